import { MAX_OFFERS } from '#shared/schedule/constants.ts'
import type { Attack, GroundSetting } from '../attack.ts'
import { gossipOffers } from '../tools/gossip-offers.ts'

/** Whoever comes while the directory is full. */
export const setting: GroundSetting = { isEachNew: true }

/** One connection that poses as a relay and tells of as many providers as the directory has places. */
export const attack: Attack = (ground, tools) =>
  gossipOffers(ground, tools, { names: MAX_OFFERS, first: 6000 })
