/** What a sentence is filled with: short, plain values. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>

/** What a code of the table means. */
export interface Entry {
  /** One short sentence: what is. */
  readonly says: (facts: ErrorFacts) => string
  /** What to do about it. */
  readonly fix: string
}
