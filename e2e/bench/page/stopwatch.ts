/** How an answer came. */
export interface Pace {
  readonly tokens: number
  /** From the call to the first token. */
  readonly ttftMs: number
  /** From the first token to the last: `tokens - 1` of them came in it. */
  readonly spanMs: number
}

/** Times the tokens of an answer, the same way at both ends of the network. */
export class Stopwatch {
  readonly #startedAt = performance.now()
  #firstAt: number | undefined
  #lastAt = this.#startedAt
  #tokens = 0

  add(count: number): void {
    this.#lastAt = performance.now()
    this.#firstAt ??= this.#lastAt
    this.#tokens += count
  }

  get pace(): Pace {
    const firstAt = this.#firstAt ?? this.#lastAt
    return { tokens: this.#tokens, ttftMs: firstAt - this.#startedAt, spanMs: this.#lastAt - firstAt }
  }
}

/** Tokens after the first, over the time they took, of several answers together. */
export function tokensPerSecond(paces: readonly Pace[]): number {
  const tokens = paces.reduce((sum, pace) => sum + pace.tokens - 1, 0)
  const ms = paces.reduce((sum, pace) => sum + pace.spanMs, 0)
  return (tokens / ms) * 1000
}
