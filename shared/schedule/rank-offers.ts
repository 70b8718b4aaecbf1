import type { Offer } from './offer.ts'

/**
 * Orders by what a consumer wants first: a free place, then speed for the money.
 *
 * A relay's order is a courtesy: the consumer verifies, filters and asks for live quotes before it trusts anything.
 */
export function rankOffers<T>(items: readonly T[], offerOf: (item: T) => Offer): T[] {
  return items
    .map((item) => ({ item, score: scoreOf(offerOf(item)) }))
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item)
}

function scoreOf({ slots, busySlots, decodeTokensPerSecond, price }: Offer): number {
  const free = Math.max(0, slots - busySlots) / slots
  const speed = Math.log1p(decodeTokensPerSecond)
  // log: a price twice as high is a step down, whatever the unit; base units are too large for plain differences.
  const cost = Math.log1p(Number(price.outputPerMillion) / 1e6)
  return 2 * free + speed - 0.2 * cost
}
