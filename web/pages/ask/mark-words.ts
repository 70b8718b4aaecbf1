import type { MarkOutcome } from '../../state/ask/check-record.ts'
import type { Failure } from '../../ui/steps.ts'

interface MarkWords {
  readonly kind: 'live' | 'check' | 'bad' | 'warn' | 'unknown' | 'off'
  readonly word: string
}

/** What the mark under an answer says. */
export const MARKS: Readonly<Record<MarkOutcome | 'checking', MarkWords>> = {
  none: { kind: 'unknown', word: 'not checked' },
  checking: { kind: 'live', word: 'checking' },
  agrees: { kind: 'check', word: 'agrees' },
  differs: { kind: 'bad', word: 'differs' },
  inconclusive: { kind: 'warn', word: 'inconclusive' },
  uncheckable: { kind: 'off', word: 'cannot be checked' },
}

/** The same, and whether a try to check came to nothing. */
export function markWord(mark: MarkOutcome | 'checking', hasFailed: boolean): string {
  const { word } = MARKS[mark]
  return hasFailed && mark !== 'checking' ? `${word}, the last try failed` : word
}

/** Where what is behind the mark cannot be loaded. */
export const CHECK_LOST: Failure = {
  code: 'internal',
  message: 'The part of the page that checks answers did not load.',
  fix: 'The connection broke, or a newer version has been published. Your conversation is kept.',
}
