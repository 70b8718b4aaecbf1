import { CHANNEL_MARKS, type ReasoningMarks } from './reasoning-marks.ts'

export interface ReasonedText {
  /** What was thought, without its marks; empty where there was no thought. */
  readonly reasoning: string
  readonly answer: string
  /** The text ends inside a thought. */
  readonly isThinking: boolean
}

/** Where in a text the answer lies. */
export interface AnswerPlace extends Omit<ReasonedText, 'answer'> {
  readonly from: number
  /** Behind its last character. */
  readonly to: number
}

/** The marks of a model, and whether the prompt had opened the thought (`ChatTokenizer.reasoningAfter`). */
export type AnyReasoningTags = ReasoningMarks & { readonly opened?: boolean }

/**
 * Parts an answer from the thought before it. Works on a text that is still growing: a mark of which only the
 * beginning is there yet belongs to neither. When the text has ended, such a beginning is text like any other.
 *
 * @param isWhole whether the text has ended
 * @example
 * splitReasoning('<think>\nHm.\n</think>\n\nYes.', tags) // { reasoning: 'Hm.', answer: 'Yes.', isThinking: false }
 */
export function splitReasoning(text: string, tags: AnyReasoningTags, isWhole = false): ReasonedText {
  const { from, to, ...rest } = placeAnswer(text, tags, isWhole)
  return { ...rest, answer: text.slice(from, to) }
}

/** As {@link splitReasoning}; the answer as a stretch of the text, for who keeps the text in pieces. */
export function placeAnswer(text: string, tags: AnyReasoningTags, isWhole = false): AnswerPlace {
  const { open, close, wrap, channels, opened = false } = tags
  if (channels) return placeInChannels(text, opened, isWhole)
  const trimmed = text.trimStart()
  const begins = trimmed.startsWith(open)
  const isUndecided = !isWhole && trimmed !== '' && open.startsWith(trimmed)
  if (isUndecided) return { reasoning: '', isThinking: true, ...nothingOf(text) }
  if (!opened && !begins) {
    const isWrapped = wrap?.[0].startsWith(trimmed.slice(0, wrap[0].length)) && trimmed !== ''
    const place = isWrapped ? unwrap(text, 0, wrap, isWhole) : { from: 0, to: text.length }
    return { reasoning: '', isThinking: false, ...place }
  }
  const start = begins ? text.length - trimmed.length + open.length : 0
  const end = text.indexOf(close, start)
  if (end < 0) {
    const thought = text.slice(start)
    const known = isWhole ? thought : withoutBeginningOf([close], thought)
    return { reasoning: known.trim(), isThinking: true, ...nothingOf(text) }
  }
  const place = unwrap(text, end + close.length, wrap, isWhole)
  return { reasoning: text.slice(start, end).trim(), isThinking: false, ...place }
}

/** Whether a prompt leaves the thought open, by what stands in it behind the last message. */
export function isThoughtOpen(tail: string, { open, close, channels }: ReasoningMarks): boolean {
  if (!channels) return tail.lastIndexOf(open) > tail.lastIndexOf(close)
  const begun = tail.lastIndexOf(CHANNEL)
  return begun >= 0 && partsOf(tail.slice(begun), false).at(-1)?.kind === 'thought'
}

type Place = Pick<AnswerPlace, 'from' | 'to'>

function nothingOf(text: string): Place {
  return { from: text.length, to: text.length }
}

/** What follows a thought, without the space before it and without what it is wrapped in. */
function unwrap(text: string, at: number, wrap: ReasoningMarks['wrap'], isWhole: boolean): Place {
  const from = text.length - text.slice(at).trimStart().length
  if (!wrap || from === text.length) return { from, to: text.length }
  const [open, close] = wrap
  const rest = text.slice(from)
  if (!isWhole && open.startsWith(rest)) return nothingOf(text)
  if (!rest.startsWith(open)) return { from, to: text.length }
  const inside = text.slice(from + open.length)
  const begin = text.length - inside.trimStart().length
  const end = text.lastIndexOf(close)
  if (end >= begin && text.slice(end + close.length).trim() === '')
    return { from: begin, to: begin + text.slice(begin, end).trimEnd().length }
  const known = isWhole ? text : withoutBeginningOf([close], text)
  return { from: begin, to: Math.max(begin, known.length) }
}

const CHANNEL: string = CHANNEL_MARKS[1]

interface ChannelPart {
  /** What stands in no message: roles, names of channels. */
  readonly kind: 'answer' | 'thought' | 'header'
  readonly from: number
  readonly to: number
}

/** Everything but the `final` channel, and messages without a channel, is thought. */
function placeInChannels(text: string, opened: boolean, isWhole: boolean): AnswerPlace {
  const known = isWhole ? text : withoutBeginningOf(CHANNEL_MARKS, text)
  const parts = partsOf(known, opened)
  const answer = parts.find(({ kind }) => kind === 'answer')
  const thoughts = parts.filter((part) => part !== answer && part.kind !== 'header')
  const reasoning = thoughts
    .map(({ from, to }) => text.slice(from, to).trim())
    .filter((thought) => thought !== '')
    .join('\n\n')
  const isThinking = !answer && (opened || text.trim() !== '')
  return { reasoning, isThinking, ...(answer ? { from: answer.from, to: answer.to } : nothingOf(text)) }
}

/** The stretches between the marks. A text without any is an answer, since a prompt may have begun its message. */
function partsOf(text: string, opened: boolean): readonly ChannelPart[] {
  const parts: ChannelPart[] = []
  let kind: ChannelPart['kind'] = opened ? 'thought' : 'answer'
  let channel = opened ? 'analysis' : 'final'
  let isName = false
  let at = 0
  for (const { 0: mark, index } of text.matchAll(/<\|(?:start|channel|message|end)\|>/g)) {
    if (isName) channel = text.slice(at, index).trim()
    // What stands before the first mark is the rest of a header that the prompt began.
    const isRest = at === 0 && kind === 'answer'
    if (index > at) parts.push({ kind: isRest ? 'header' : kind, from: at, to: index })
    isName = mark === CHANNEL
    if (mark === '<|start|>') channel = 'final'
    kind = mark !== '<|message|>' ? 'header' : channel.startsWith('final') ? 'answer' : 'thought'
    at = index + mark.length
  }
  parts.push({ kind, from: at, to: text.length })
  return parts
}

/** The text without a beginning of one of the marks at its end. */
function withoutBeginningOf(marks: readonly string[], text: string): string {
  const longest = Math.max(...marks.map((mark) => mark.length - 1))
  for (let length = Math.min(longest, text.length); length > 0; length--)
    if (marks.some((mark) => length < mark.length && text.endsWith(mark.slice(0, length))))
      return text.slice(0, -length)
  return text
}
