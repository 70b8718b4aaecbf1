import type { Attack } from '../attack.ts'
import { gossipOffers } from '../tools/gossip-offers.ts'

/** One connection that poses as a relay and tells of as many providers as an answer holds, all of them nowhere. */
export const attack: Attack = (ground, tools) => gossipOffers(ground, tools, { names: 32, first: 100 })
