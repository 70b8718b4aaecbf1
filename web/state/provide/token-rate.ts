/** Counts of the last seconds, the oldest first. */
export type TokenRate = readonly { readonly at: number; readonly tokens: number }[]

export const NO_RATE: TokenRate = []

const WINDOW_MS = 5000

/** @param at monotonic milliseconds  @param tokens all that were written so far */
export function counted(rate: TokenRate, at: number, tokens: number): TokenRate {
  return [...rate.filter((count) => at - count.at < WINDOW_MS), { at, tokens }]
}

/** Tokens per second over the last five seconds. */
export function perSecond(rate: TokenRate): number {
  const first = rate[0]
  const last = rate.at(-1)
  if (!first || !last || last.at === first.at) return 0
  return (1000 * (last.tokens - first.tokens)) / (last.at - first.at)
}
