import type { PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import type { Offer } from '../offer.ts'
import { evenFrom } from './beta.ts'
import { credibleSpeed, meritOf } from './score.ts'
import type { Trust } from './trust.ts'

/** The share of draws that ignore all merit, so that a newcomer is met at all (docs/design-notes.md). */
const EXPLORE = 0.05

export interface DrawComponents {
  readonly random: Random
  readonly trust: Pick<Trust, 'drawBeliefs' | 'speedSeenOf'>
  /** Who named an offer: each of them has its turn. @default all came from one place */
  readonly namedBy?: ((offer: Offer) => readonly PeerName[]) | undefined
}

interface Weighed {
  readonly offer: Offer
  readonly merit: number
}

/**
 * Draws `count` different offers, each with probability in proportion to its merit, and a twentieth of the weight evenly:
 * power of k choices with exploration. What is believed of a provider is drawn as well, once a question, by how sure it
 * is (Thompson sampling): who is little known is met, and who is known to be bad is not. Best first within the draw is
 * not promised. A claimed speed counts up to what is credible, or was seen.
 *
 * Relays that named them have turns, in an order by chance: one that lies has its share of the draw, and no more.
 */
export function drawCandidates(
  offers: readonly Offer[],
  count: number,
  { random, trust, namedBy = () => [] }: DrawComponents,
): Offer[] {
  const even = evenFrom(random)
  const left = new Map<Offer, Weighed>()
  for (const offer of offers) {
    const { provider, decodeTokensPerSecond: claimed } = offer
    const counted = { ...offer, decodeTokensPerSecond: credibleSpeed(claimed, trust.speedSeenOf(provider)) }
    left.set(offer, { offer, merit: meritOf(counted, trust.drawBeliefs(provider, even)) })
  }
  const shares = sharesOf([...left.values()], namedBy)
  if (shares.length > 1) shuffle(shares, even)
  const drawn: Offer[] = []
  for (let turn = 0; drawn.length < count && left.size > 0; turn++) {
    const share = shares[turn % shares.length] ?? []
    const there = share.filter(({ offer }) => left.has(offer))
    if (there.length === 0) continue
    const { offer } = there[drawOne(there, even)] ?? there[0]!
    left.delete(offer)
    drawn.push(offer)
  }
  return drawn
}

/** What each relay named; an offer stands in the share of each that named it. */
function sharesOf(all: readonly Weighed[], namedBy: (offer: Offer) => readonly PeerName[]): Weighed[][] {
  const shares = new Map<PeerName | undefined, Weighed[]>()
  for (const each of all) {
    const relays = namedBy(each.offer)
    for (const relay of relays.length > 0 ? relays : [undefined]) {
      const share = shares.get(relay)
      if (share) share.push(each)
      else shares.set(relay, [each])
    }
  }
  return [...shares.values()]
}

/** Fisher and Yates. */
function shuffle(items: unknown[], even: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(even() * (last + 1))
    ;[items[last], items[other]] = [items[other], items[last]]
  }
}

function drawOne(offers: readonly Weighed[], even: () => number): number {
  const sum = offers.reduce((total, { merit }) => total + merit, 0)
  const share = sum > 0 ? (EXPLORE * sum) / offers.length : 1
  return pick(
    offers.map(({ merit }) => merit * (1 - EXPLORE) + share),
    even(),
  )
}

function pick(weights: readonly number[], share: number): number {
  let rest = share * weights.reduce((a, b) => a + b, 0)
  for (const [index, weight] of weights.entries()) {
    rest -= weight
    if (rest < 0) return index
  }
  return weights.length - 1
}
