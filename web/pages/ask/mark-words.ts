import type { MarkOutcome } from '../../state/ask/check-record.ts'

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
