import { randomBytes } from 'node:crypto'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { isLocalHost } from '#shared/base/local-host.ts'
import { DIRECTORY_FILL_MS, MAX_DIRECTORY_STREAMS, SCHEDULE_PROTOCOL } from '#shared/schedule/constants.ts'
import { Directory, type DirectoryInit } from '#shared/schedule/directory.ts'
import { DemandDesk } from '#shared/schedule/demand/demand-desk.ts'
import type { DemandMeter } from '#shared/schedule/demand/demand-meter.ts'
import { DirectoryService } from '#shared/schedule/directory-service.ts'
import { acceptGossipedOffer, type OfferKind } from '#shared/schedule/gossiped-offer.ts'
import type { SeedsPort } from '#shared/schedule/seeds/seeds-port.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import type { StakeOf } from '#shared/verify/board/staked.ts'
import { answerProtocols } from '#shared/wire/answer-protocols.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import { nodeClock } from '../base/node-clock.ts'
import { parseSocketAddress } from '../base/socket-address.ts'
import { bringerOf } from '../gossip/offer-gossip.ts'
import { DialledAddresses } from './dialled-addresses.ts'
import { LocalDirectory } from './local-directory.ts'
import { mountRecords } from './mount-records.ts'
import { mountSeeds } from './mount-seeds.ts'
import { reachOf } from './reachable-offers.ts'

export interface MountedDirectory {
  /** The directory as a peer in this process sees it. */
  readonly port: LocalDirectory
  /** The register of seeders, likewise. */
  readonly seeds: SeedsPort
  /** The registers of golden records and verdicts, likewise. */
  readonly records: RecordsPort
  stop(): Promise<void>
}

export interface MountDirectoryInit extends DirectoryInit {
  /** Who has stake, by the chain. @default nobody */
  readonly stakeOf?: StakeOf | undefined
  /** What this relay saw settled, and the key that signs its word on that. @default it tells nothing of demand */
  readonly demand?: { readonly meter: DemandMeter; readonly key: PrivateKey } | undefined
}

/** Keeps the registers of offers, of seeders and of records on a relay: answers peers, hears other relays, drops what a lost peer brought. */
export async function mountDirectory(
  relay: RelayHost,
  { demand, stakeOf, ...init }: MountDirectoryInit = {},
): Promise<MountedDirectory> {
  const { node, offers } = relay
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const canReach = reachOf({
    name: relay.name,
    hasPlace: (provider) => node.services.relay.reservations.has(peerIdFromString(provider)),
    isConnected: (provider) => node.getConnections(peerIdFromString(provider)).length > 0,
    dialled: new DialledAddresses({ node, clock: nodeClock }, { allowsLocal: isLocal(relay) }),
  })
  const directory = new Directory(
    { clock: nodeClock, random },
    { isClosed: () => relay.isInMaintenance, canReach, ...init },
  )
  const gossip = (message: Uint8Array, kind: OfferKind): void => offers.publish(message, kind)
  const desk = demand && new DemandDesk({ clock: nodeClock, directory, ...demand })
  const service = new DirectoryService(
    {
      ...{ clock: nodeClock, directory, gossip, demand: desk && (() => desk.record()) },
      groupOf: (connection) => relay.clientOf(connection)?.group,
    },
    { fillMs: DIRECTORY_FILL_MS },
  )
  const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => service.peerGone(nameOf(detail))
  const stopHearing = offers.onMessage((message, by) =>
    acceptGossipedOffer(directory, message, { relay: by.relay, bringer: bringerOf(by) }),
  )
  offers.admitBy((name) => stakeOf?.(name) !== undefined)
  relay.countOffersBy(() => directory.size)
  node.addEventListener('peer:disconnect', onDisconnect)
  const unmount = await answerProtocols(node, [
    { protocol: SCHEDULE_PROTOCOL, handle: service.handle, maxInboundStreams: MAX_DIRECTORY_STREAMS },
  ])
  const seeds = await mountSeeds(relay, init.mayIntroduce)
  const records = await mountRecords(relay, {
    ...{ stakeOf, mayIntroduce: init.mayIntroduce },
    hasOfferOf: (provider) => directory.hasOfferOf(provider),
  })
  return {
    seeds: seeds.port,
    records: records.port,
    port: new LocalDirectory({ relay: relay.name, clock: nodeClock, directory, gossip }),
    stop: async () => {
      stopHearing()
      node.removeEventListener('peer:disconnect', onDisconnect)
      await records.stop()
      await seeds.stop()
      await unmount()
    },
  }
}

/** Whether the relay itself stands in a private network, or on this machine alone. */
function isLocal({ addresses }: Pick<RelayHost, 'addresses'>): boolean {
  return addresses.some((address) => isLocalHost(parseSocketAddress(address)?.host ?? ''))
}

function nameOf(peer: PeerId): PeerName {
  return peerName(peer.toString())
}
