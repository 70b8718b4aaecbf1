import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { SEEDS_PROTOCOL } from '../schedule/seeds/constants.ts'
import { RemoteSeeds, type SeedsPort } from '../schedule/seeds/seeds-port.ts'
import { openRelayStream, relaysUp, type KeptRelays } from './relay-streams.ts'

/** Where it is kept who seeds what: at each relay. */
export interface SeedRegisters {
  readonly ports: readonly SeedsPort[]
  /** Calls back when relays come or go. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

/** The registers of the relays that a node keeps. A relay that does not speak of seeds refuses the stream. */
export function seedRegistersOf(
  node: Pick<Libp2p, 'getConnections'>,
  clock: Clock,
  relays: KeptRelays,
): SeedRegisters {
  return {
    get ports() {
      return relaysUp(relays).map(
        (relay) =>
          new RemoteSeeds({
            ...{ clock, relay },
            openStream: (options) => openRelayStream(node, relay, SEEDS_PROTOCOL, options),
          }),
      )
    },
    onChange: (callback) => relays.onChange(callback),
  }
}
