import type { Attack } from '../attack.ts'
import { NOWHERE } from '../tools/boast.ts'
import { boastAtRelay } from '../tools/boasters.ts'

/**
 * Thirty-two names of one address, as many as an answer of the relay holds, that offer a million tokens a second and can
 * be reached nowhere: neither at the address that they name, nor through the relay, where they have no place.
 */
export const attack: Attack = (ground, tools) =>
  boastAtRelay(ground, tools, {
    names: 32,
    hasPlaces: false,
    addressesOf: (name, relay) => [`${NOWHERE}/p2p/${name}`, `${relay}/p2p-circuit/p2p/${name}`],
  })
