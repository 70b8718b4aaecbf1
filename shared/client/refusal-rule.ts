import { clip } from '../base/text-bounds.ts'
import type { ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Screen } from '../stream/screen.ts'

/**
 * A rule of so many phrases is looked for in the longest text that travels in some tens of milliseconds, whatever the text
 * is: each phrase is one search for a fixed string.
 */
export const MAX_PHRASES = 100
/** In code points. */
export const MAX_PHRASE_CHARACTERS = 80

/** What a lender does not want to answer: words and phrases, in the order in which they were written. */
export interface RefusalRule {
  readonly phrases: readonly string[]
  /** Lines that are not used: beyond {@link MAX_PHRASES}, too long, or without a letter or a digit. */
  readonly leftOut: readonly string[]
}

/**
 * One phrase a line, empty lines aside. A star at the beginning or the end of a line stands for any letters there, so that
 * `*word*` is found inside of longer words, and in languages that put no spaces between words.
 */
export function parseRefusalRule(text: string): RefusalRule {
  const lines = text
    .slice(0, MAX_RULE_CHARACTERS)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const phrases: string[] = []
  const leftOut: string[] = []
  for (const line of lines) {
    const isUsable = clip(line, MAX_PHRASE_CHARACTERS) === line && plain(line) !== ''
    if (isUsable && phrases.length < MAX_PHRASES) phrases.push(line)
    else leftOut.push(line)
  }
  return { phrases, leftOut }
}

/** Room for all phrases at their longest, and for some that are left out. Beyond it nothing is read. */
const MAX_RULE_CHARACTERS = 4 * MAX_PHRASES * MAX_PHRASE_CHARACTERS

/**
 * Whether a phrase of the rule is in the text. Upper and lower case, signs between words, invisible characters and the forms
 * that Unicode calls compatible make no difference. It reads what is written, not what is meant: who wants to get around it
 * writes it otherwise.
 *
 * @internal for tests
 */
export function isRefused({ phrases }: RefusalRule, text: string): boolean {
  if (phrases.length === 0) return false
  const words = ` ${plain(text)} `
  return phrases.some((phrase) => words.includes(soughtFor(phrase)))
}

/** With a space where a word begins or ends. */
function soughtFor(phrase: string): string {
  return `${phrase.startsWith('*') ? '' : ' '}${plain(phrase)}${phrase.endsWith('*') ? '' : ' '}`
}

/** Words in small letters, one space between them. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{Cf}+/gu, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
}

export interface ScreenComponents {
  /** Read at each text: a rule that is changed holds from the next one on. */
  readonly rule: () => RefusalRule
  /** Of the model that is served. */
  readonly loadReader: () => Promise<Pick<ChatTokenizer, 'decode'>>
  /** Called for each that was refused. */
  readonly onRefused: () => void
}

/**
 * Looks at each text by a rule. Without phrases nothing is read. A text that cannot be read, as where the model's tokenizer
 * does not load, is refused while there is a rule.
 */
export function screenBy({ rule, loadReader, onRefused }: ScreenComponents): Screen {
  return async (texts) => {
    const now = rule()
    if (now.phrases.length === 0) return
    if (await isWanted(texts, now, loadReader)) return
    onRefused()
    throw new InfernetError('stream.refused')
  }
}

async function isWanted(
  texts: readonly (readonly number[])[],
  rule: RefusalRule,
  loadReader: ScreenComponents['loadReader'],
): Promise<boolean> {
  try {
    const tokenizer = await loadReader()
    return texts.every((text) => !isRefused(rule, tokenizer.decode(text)))
  } catch {
    return false
  }
}
