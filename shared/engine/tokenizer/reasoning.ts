/** How a model that thinks aloud marks it. */
export interface ReasoningTags {
  readonly open: string
  readonly close: string
  /** The prompt itself opens the thought, so the answer begins inside it. */
  readonly opened: boolean
}

export interface ReasonedText {
  /** What was thought, without its marks; empty where there was no thought. */
  readonly reasoning: string
  readonly answer: string
  /** The text ends inside a thought. */
  readonly isThinking: boolean
}

/** Qwen 3, DeepSeek R1 and what was distilled from it, SmolLM 3, Phi 4 reasoning: all mark thoughts so. */
const OPEN = '<think>'
const CLOSE = '</think>'

/**
 * Tells the marks from a chat template and from a prompt it makes; undefined where the model does not think aloud.
 *
 * @param template source of the template
 * @param prompt a rendered chat up to where an answer begins
 */
export function findReasoningTags(template: string, prompt: string): ReasoningTags | undefined {
  if (!template.includes(CLOSE)) return undefined
  return { open: OPEN, close: CLOSE, opened: prompt.lastIndexOf(OPEN) > prompt.lastIndexOf(CLOSE) }
}

/**
 * Parts an answer from the thought before it. Works on a text that is still growing: a mark of which only the
 * beginning is there yet belongs to neither. When the text has ended, such a beginning is text like any other.
 *
 * @param isWhole whether the text has ended
 * @example
 * splitReasoning('<think>\nHm.\n</think>\n\nYes.', tags) // { reasoning: 'Hm.', answer: 'Yes.', isThinking: false }
 */
export function splitReasoning(
  text: string,
  { open, close, opened }: ReasoningTags,
  isWhole = false,
): ReasonedText {
  const trimmed = text.trimStart()
  const begins = trimmed.startsWith(open)
  if (!opened && !begins) {
    const isUndecided = !isWhole && open.startsWith(trimmed) && trimmed !== ''
    return { reasoning: '', answer: isUndecided ? '' : text, isThinking: isUndecided }
  }
  const thought = begins ? trimmed.slice(open.length) : text
  const end = thought.indexOf(close)
  if (end < 0) {
    const known = isWhole ? thought : withoutBeginningOf(close, thought)
    return { reasoning: known.trim(), answer: '', isThinking: true }
  }
  return {
    reasoning: thought.slice(0, end).trim(),
    answer: thought.slice(end + close.length).trimStart(),
    isThinking: false,
  }
}

/** The text without a beginning of `mark` at its end. */
function withoutBeginningOf(mark: string, text: string): string {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--)
    if (text.endsWith(mark.slice(0, length))) return text.slice(0, -length)
  return text
}
