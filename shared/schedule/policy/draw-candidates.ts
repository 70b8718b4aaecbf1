import type { Random } from '../../base/random.ts'
import type { Offer } from '../offer.ts'
import { evenFrom } from './beta.ts'
import { meritOf } from './score.ts'
import type { Trust } from './trust.ts'

/** The share of draws that ignore all merit, so that a newcomer is met at all (docs/design-notes.md). */
const EXPLORE = 0.05

/**
 * Draws `count` different offers, each with probability in proportion to its merit, and a twentieth of the weight evenly:
 * power of k choices with exploration. What is believed of a provider is drawn as well, once a question, by how sure it
 * is (Thompson sampling): who is little known is met, and who is known to be bad is not. Best first within the draw is
 * not promised.
 */
export function drawCandidates(
  offers: readonly Offer[],
  count: number,
  { random, trust }: { random: Random; trust: Pick<Trust, 'drawBeliefs'> },
): Offer[] {
  const even = evenFrom(random)
  const left = offers.map((offer) => ({
    offer,
    merit: meritOf(offer, trust.drawBeliefs(offer.provider, even)),
  }))
  const drawn: Offer[] = []
  while (drawn.length < count && left.length > 0) {
    const sum = left.reduce((total, { merit }) => total + merit, 0)
    const share = sum > 0 ? (EXPLORE * sum) / left.length : 1
    const weights = left.map(({ merit }) => merit * (1 - EXPLORE) + share)
    drawn.push(...left.splice(pick(weights, even()), 1).map(({ offer }) => offer))
  }
  return drawn
}

function pick(weights: readonly number[], share: number): number {
  let rest = share * weights.reduce((a, b) => a + b, 0)
  for (const [index, weight] of weights.entries()) {
    rest -= weight
    if (rest < 0) return index
  }
  return weights.length - 1
}
