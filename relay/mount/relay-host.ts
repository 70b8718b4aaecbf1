import type { Connection } from '@libp2p/interface'
import type { PeerName } from '#shared/base/ids.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import type { OfferGossip } from '../gossip/offer-gossip.ts'
import type { RelayNode } from '../node/create-node.ts'
import type { RelayMetrics } from '../observe/metrics.ts'
import type { ChainPort } from '../serve/chain-port.ts'
import type { PublicationsPort } from '../serve/publications-route.ts'
import type { ClientAddress } from '../serve/client-address.ts'

/** A running relay, as the parts that live on it see it: the directory, the chain, the seed provider. */
export interface RelayHost {
  readonly name: PeerName
  readonly node: RelayNode
  /** Multiaddrs to share, with peer id. */
  readonly addresses: readonly string[]
  /** Other relays with a connection now. */
  readonly relays: readonly PeerName[]
  /** The channel on which relays tell each other of offers. */
  readonly offers: OfferGossip
  readonly metrics: RelayMetrics
  /** True while nobody new is taken. */
  readonly isInMaintenance: boolean
  /** The models that this relay proposes. */
  readonly catalogue: readonly CatalogueEntry[]
  /** The directory says how many live offers it holds, for `/health` and `/metrics`. */
  countOffersBy(count: () => number): void
  /** The chain that is settled on, for `/network.json`, `/health`, `/rpc` and `/faucet`. */
  attachChain(chain: ChainPort): void
  /** What the models contract holds, for `/publications.json` and the manifests below `/published/`. */
  servePublications(publications: PublicationsPort): void
  /** Who is behind a connection, by the address its limits count: libp2p itself sees everybody at 127.0.0.1. */
  clientOf(connection: Pick<Connection, 'remoteAddr'>): ClientAddress | undefined
}

/** Starts a part on a running relay; what it gives is stopped with the relay. */
export type RelayMount = (relay: RelayHost) => Promise<{ stop(): Promise<void> }>
