/** Follows one answer through a grammar, token by token. */
export interface GrammarMatcher {
  /** Which tokens may come next: bit `v & 31` of word `v >> 5`. End tokens are among them where the answer may end. */
  allowed(): Uint32Array
  /** Goes on with `token`. Once a token that was not allowed has come, nothing is allowed any more. */
  accept(token: number): void
  /** True when the answer is complete and nothing but an end token could follow. */
  readonly isOver: boolean
}
