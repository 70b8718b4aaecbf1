import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { SEEDS_PROTOCOL } from '../schedule/seeds/constants.ts'
import { RemoteSeeds, type SeedsPort } from '../schedule/seeds/seeds-port.ts'
import type { RelaySource } from './create-peer.ts'

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
  relays: Pick<RelaySource, 'views' | 'onChange'>,
): SeedRegisters {
  const portOf = (relay: PeerName): SeedsPort =>
    new RemoteSeeds({
      clock,
      openStream: async ({ signal }) => {
        const [connection] = node
          .getConnections(peerIdFromString(relay))
          .filter(({ status, limits }) => status === 'open' && limits == null)
          .sort((a, b) => b.timeline.open - a.timeline.open)
        if (!connection) throw new InfernetError('schedule.no-relay')
        return connection.newStream(SEEDS_PROTOCOL, { signal })
      },
    })
  return {
    get ports() {
      return relays.views
        .filter(({ state }) => state === 'up' || state === 'checking')
        .map(({ relay }) => portOf(relay))
    },
    onChange: (callback) => relays.onChange(callback),
  }
}
