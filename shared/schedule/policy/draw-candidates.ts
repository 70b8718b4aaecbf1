import type { Random } from '../../base/random.ts'
import type { Offer } from '../offer.ts'
import { meritOf } from './score.ts'
import type { Trust } from './trust.ts'

/** The share of draws that ignore all merit, so that a newcomer is met at all (docs/design-notes.md). */
const EXPLORE = 0.05

/**
 * Draws `count` different offers, each with probability in proportion to its merit, and a twentieth of the weight evenly:
 * power of k choices with exploration. Best first within the draw is not promised.
 */
export function drawCandidates(
  offers: readonly Offer[],
  count: number,
  { random, trust }: { random: Random; trust: Pick<Trust, 'trustIn'> },
): Offer[] {
  const left = [...offers]
  const drawn: Offer[] = []
  while (drawn.length < count && left.length > 0) {
    const weights = left.map((offer) => meritOf(offer, trust.trustIn(offer.provider)))
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
