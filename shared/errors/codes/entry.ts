/** What a sentence is filled with: short, plain values. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>

/** What a code of the table means. Its words are true in a tab, in a relay and in a command alike. */
export interface Entry {
  /** One short sentence: what happened. It is also whole without any fact. */
  readonly says: (facts: ErrorFacts) => string
  /** What is safe to do about it, wherever it is read. */
  readonly fix: string
  /** The facts that it comes with, as where it is thrown; the test shows the sentence that they make. */
  readonly example: ErrorFacts
}

/** The codes of one home. */
export type Codes = Readonly<Record<string, Entry>>

/** What stands behind a sentence in brackets, where it is known. */
export function inBrackets(fact: ErrorFacts[string]): string {
  return fact === undefined ? '' : ` (${fact})`
}
