/** How a model marks what it thinks aloud before it answers. Plain data: it is kept with the answer that it is of. */
export interface ReasoningMarks {
  readonly open: string
  readonly close: string
  /** What the answer behind the thought stands in, where the model wraps it as well; it is no part of the answer. */
  readonly wrap?: readonly [open: string, close: string]
  /** Each part of the answer names its channel, as OpenAI's gpt-oss writes it (the Harmony format). */
  readonly channels?: true
}

/** The marks of an answer, and where it begins. */
export interface ReasoningTags extends ReasoningMarks {
  /** The prompt itself opens the thought, so the answer begins inside it. */
  readonly opened: boolean
}

interface Dialect {
  readonly marks: ReasoningMarks
  /** A template that holds one of these speaks the dialect. @default the close mark */
  readonly signs?: readonly string[]
  /** Tokens by which a tokenizer tells, where the template says nothing. @default both marks */
  readonly tokens?: readonly string[]
}

const pair = (open: string, close: string): Dialect => ({ marks: { open, close } })

/** The special ones first: many templates name `</think>` as well, to leave it out of what others wrote. */
const DIALECTS: readonly Dialect[] = [
  // gpt-oss
  {
    marks: { open: '<|channel|>analysis<|message|>', close: '<|channel|>final<|message|>', channels: true },
    signs: ['<|channel|>'],
    tokens: ['<|channel|>', '<|message|>'],
  },
  // Gemma 4
  {
    marks: { open: '<|channel>thought', close: '<channel|>' },
    tokens: ['<|channel>', '<channel|>'],
  },
  pair('[THINK]', '[/THINK]'), // Magistral, Ministral 3
  pair('<seed:think>', '</seed:think>'), // Seed-OSS
  pair('<|START_THINKING|>', '<|END_THINKING|>'), // Command A Reasoning, Command R7B
  pair('<|inner_prefix|>', '<|inner_suffix|>'), // Apertus
  pair('◁think▷', '◁/think▷'), // Kimi
  pair('<thought>', '</thought>'), // EXAONE Deep
  pair('Here is my thought process:', 'Here is my response:'), // Granite 3.2
  // Qwen 3, DeepSeek R1 and what was distilled from it, SmolLM 3, Phi 4 reasoning, GLM, Nemotron and most others.
  pair('<think>', '</think>'),
]

/** Hunyuan and Granite 3.3 wrap the answer too. */
const WRAPS = [
  ['<answer>', '</answer>'],
  ['<response>', '</response>'],
] as const

/** What the parts of an answer in channels begin and end with. */
export const CHANNEL_MARKS = ['<|start|>', '<|channel|>', '<|message|>', '<|end|>'] as const

/**
 * Tells the marks from a chat template, or else from the tokens that the tokenizer was given; undefined where the model
 * does not think aloud.
 *
 * @param template source of the template
 * @param addedTokens contents of the tokenizer's added tokens
 */
export function findReasoningMarks(
  template: string,
  addedTokens: readonly string[],
): ReasoningMarks | undefined {
  const speaks = ({ marks, signs = [marks.close] }: Dialect): boolean =>
    signs.some((sign) => template.includes(sign))
  const has = ({ marks, tokens = [marks.open, marks.close] }: Dialect): boolean =>
    tokens.every((token) => addedTokens.includes(token))
  const marks = (DIALECTS.find(speaks) ?? DIALECTS.find(has))?.marks
  if (!marks || marks.channels) return marks
  const wrap = WRAPS.find(([open, close]) => template.includes(open) && template.includes(close))
  return wrap ? { ...marks, wrap } : marks
}

/** The marks that a text of whatever model begins with. */
export function marksAtBegin(text: string): ReasoningMarks | undefined {
  const begin = text.trimStart()
  return DIALECTS.find(
    ({ marks }) =>
      begin.startsWith(marks.open) ||
      (marks.channels && CHANNEL_MARKS.some((mark) => begin.startsWith(mark))),
  )?.marks
}

/** Whether a special token is a part of the marks, so that its text must be read. */
export function isInMarks(token: string, { open, close, channels }: ReasoningMarks): boolean {
  if (token === '') return false
  return channels
    ? (CHANNEL_MARKS as readonly string[]).includes(token)
    : open.includes(token) || close.includes(token)
}
