import type { Attack } from '../attack.ts'
import { boastAtRelay } from '../tools/boasters.ts'

/**
 * The same with a place at the relay for each name: the relay has to list them, a dial gets as far as the attacker, and
 * whoever asks there hears nothing of use.
 */
export const attack: Attack = (ground, tools) =>
  boastAtRelay(ground, tools, {
    names: 32,
    hasPlaces: true,
    addressesOf: (name, relay) => [`${relay}/p2p-circuit/p2p/${name}`],
  })
