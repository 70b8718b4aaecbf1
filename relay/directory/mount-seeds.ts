import { randomBytes } from 'node:crypto'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { MAX_FOUND_SEEDERS, MAX_SEEDS_STREAMS, SEEDS_PROTOCOL } from '#shared/schedule/seeds/constants.ts'
import { SeedBook } from '#shared/schedule/seeds/seed-book.ts'
import type { SeedsPort } from '#shared/schedule/seeds/seeds-port.ts'
import { SeedsService } from '#shared/schedule/seeds/seeds-service.ts'
import { answerProtocols } from '#shared/wire/answer-protocols.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { RelayHost } from '../mount/relay-host.ts'

export interface MountedSeeds {
  /** The register as a seeder in this process sees it. */
  readonly port: SeedsPort
  stop(): Promise<void>
}

/** Keeps the register of seeders on a relay: of those that are connected to it. Relays do not gossip it. */
export async function mountSeeds(
  relay: Pick<RelayHost, 'node' | 'name' | 'clientOf'>,
  mayIntroduce?: (peer: PeerName) => boolean,
): Promise<MountedSeeds> {
  const { node, name } = relay
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const book = new SeedBook({ clock: nodeClock, random }, { mayIntroduce })
  const groupOf = (connection: Connection): string | undefined => relay.clientOf(connection)?.group
  const service = new SeedsService({ clock: nodeClock, book, groupOf })
  const onDisconnect = ({ detail }: CustomEvent<PeerId>): void =>
    service.peerGone(peerName(detail.toString()))
  node.addEventListener('peer:disconnect', onDisconnect)
  const unmount = await answerProtocols(node, [
    { protocol: SEEDS_PROTOCOL, handle: service.handle, maxInboundStreams: MAX_SEEDS_STREAMS },
  ])
  return {
    port: {
      announce: (seeds) => book.announce({ peer: name, seeds }),
      find: async (model) => book.find(model, MAX_FOUND_SEEDERS).seeders,
    },
    stop: async () => {
      node.removeEventListener('peer:disconnect', onDisconnect)
      await unmount()
    },
  }
}
