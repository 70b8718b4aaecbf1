import type { Libp2p, TypedEventTarget, Transport } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
import type { PeerName } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'

/**
 * libp2p has no public way to make or renew a reservation after the start, so this reaches for its components. All
 * that relies on internals stands here; a test in `e2e` fails when an upgrade moves them.
 */
interface Internals {
  readonly components: {
    readonly transportManager: {
      getTransports(): Transport[]
      listen(addresses: Multiaddr[]): Promise<void>
    }
  }
}

interface ReservationStore extends TypedEventTarget<Record<string, CustomEvent>> {
  hasReservation(relay: PeerId): boolean
  addRelay(relay: PeerId, type: 'configured'): Promise<unknown>
}

/** True while the relay has a place for us. */
export function hasReservation(node: Libp2p, relay: PeerName): boolean {
  return storeOf(node).hasReservation(peerIdFromString(relay))
}

/** Asks a relay that we listened on before for its place again; our addresses come back with it. */
export async function renewReservation(node: Libp2p, relay: PeerName): Promise<void> {
  await storeOf(node).addRelay(peerIdFromString(relay), 'configured')
}

/** Listens on a relay for the first time: makes the reservation and puts its addresses among ours. */
export async function listenOn(node: Libp2p, address: string): Promise<void> {
  await internalsOf(node).transportManager.listen([multiaddr(address)])
}

function internalsOf(node: Libp2p): Internals['components'] {
  return (node as unknown as Internals).components
}

function storeOf(node: Libp2p): ReservationStore {
  const transport = internalsOf(node)
    .transportManager.getTransports()
    .find((candidate) => candidate[Symbol.toStringTag] === '@libp2p/circuit-relay-v2-transport')
  const store = (transport as { reservationStore?: ReservationStore } | undefined)?.reservationStore
  if (!store) throw new InfernetError('internal')
  return store
}
