import type { ErrorFacts } from './infernet-error.ts'

/** What a code of the table means. */
export interface Entry {
  /** One short sentence: what is. */
  readonly says: (facts: ErrorFacts) => string
  /** What to do about it. */
  readonly fix: string
}
