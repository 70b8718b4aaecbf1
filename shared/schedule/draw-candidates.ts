import type { Random } from '../base/random.ts'
import type { Offer } from './offer.ts'

/** The share of draws that ignore all merit, so that a newcomer is met at all (PROTOCOL part 4.2). */
const EXPLORE = 0.05

/**
 * Draws `count` different offers, each with probability in proportion to free speed times trust to the fourth, and a
 * twentieth of the weight evenly: power of k choices with exploration. Best first within the draw is not promised.
 */
export function drawCandidates(
  offers: readonly Offer[],
  count: number,
  { random, trustIn }: { random: Random; trustIn: (offer: Offer) => number },
): Offer[] {
  const left = [...offers]
  const drawn: Offer[] = []
  while (drawn.length < count && left.length > 0) {
    const weights = left.map((offer) => meritOf(offer) * trustIn(offer) ** 4)
    const sum = weights.reduce((a, b) => a + b, 0)
    const even = sum > 0 ? (EXPLORE * sum) / left.length : 1
    const index = pick(
      weights.map((weight) => weight * (1 - EXPLORE) + even),
      random,
    )
    drawn.push(...left.splice(index, 1))
  }
  return drawn
}

function meritOf({ slots, busySlots, decodeTokensPerSecond }: Offer): number {
  const free = Math.max(0.1, (slots - busySlots) / slots)
  return free * Math.max(1, decodeTokensPerSecond)
}

function pick(weights: readonly number[], random: Random): number {
  const total = weights.reduce((a, b) => a + b, 0)
  const word = new DataView(random.bytes(4).buffer).getUint32(0)
  let rest = (word / 2 ** 32) * total
  for (const [index, weight] of weights.entries()) {
    rest -= weight
    if (rest < 0) return index
  }
  return weights.length - 1
}
