import type { Random } from '../../base/random.ts'
import type { Offer } from '../offer.ts'
import { evenFrom } from './beta.ts'
import { credibleSpeed, meritOf, priceSteps } from './score.ts'

/** A step in price against a step (a factor e) in merit. */
const PRICE_STEP = 0.2

/**
 * Orders by what a consumer wants first: free speed for the money. Those of equal worth stand in an order by chance.
 *
 * A relay's order is a courtesy: the consumer verifies, filters and asks for live quotes before it trusts anything.
 */
export function rankOffers<T>(items: readonly T[], scoreOf: (item: T) => number, random: Random): T[] {
  const even = evenFrom(random)
  return items
    .map((item) => ({ item, score: scoreOf(item), tie: even() }))
    .sort((a, b) => b.score - a.score || a.tie - b.tie)
    .map(({ item }) => item)
}

/** What {@link rankOffers} goes by: a figure without a unit. */
export function listingScore(offer: Offer): number {
  const decodeTokensPerSecond = credibleSpeed(offer.decodeTokensPerSecond) // a relay sees no answer
  return Math.log(meritOf({ ...offer, decodeTokensPerSecond })) - PRICE_STEP * priceSteps(offer.price)
}
