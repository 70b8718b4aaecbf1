import type { Offer } from '../offer.ts'
import { meritOf, priceSteps } from './score.ts'

/** A step in price against a step (a factor e) in merit. */
const PRICE_STEP = 0.2

/**
 * Orders by what a consumer wants first: free speed for the money.
 *
 * A relay's order is a courtesy: the consumer verifies, filters and asks for live quotes before it trusts anything.
 */
export function rankOffers<T>(items: readonly T[], offerOf: (item: T) => Offer): T[] {
  return items
    .map((item) => ({ item, score: scoreOf(offerOf(item)) }))
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item)
}

function scoreOf(offer: Offer): number {
  return Math.log(meritOf(offer)) - PRICE_STEP * priceSteps(offer.price)
}
