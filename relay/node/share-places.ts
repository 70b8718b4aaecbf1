import type { PeerId } from '@libp2p/interface'
import { Crowd } from '../base/crowd.ts'
import type { RelayNode } from './create-node.ts'

/** The part of libp2p's reservation store that counts its places. */
interface ReservationStore {
  reserve(peer: PeerId, ...rest: readonly unknown[]): { readonly status: string }
}

interface Place {
  readonly peer: PeerId
}

export interface SharePlacesComponents {
  /** What limits count a peer's address by; undefined when it is not known. */
  readonly addressGroupOf: (peer: PeerId) => string | undefined
  /** All places are taken, and the address that asks has as many as any other. */
  readonly onRefused: () => void
  /** A peer lost its place, and its connections, to one whose address block has less. */
  readonly onCut: () => void
}

/**
 * Shares the places of the relay by address block and address. Returns what undoes it.
 *
 * libp2p gives them to whoever comes first, and keys cost nothing: 16 addresses with 64 connections each take all 1024,
 * and nobody else can be reached. So when all are taken, the newest place of the address with most goes to whoever has
 * less. Its connections are cut too, so that its peer knows and looks for another relay.
 *
 * @throws TypeError when an upgrade of `@libp2p/circuit-relay-v2` (4.2.13) moves its store
 */
export function sharePlaces(node: RelayNode, components: SharePlacesComponents): () => void {
  const { reservationStore: store, reservations } = node.services.relay as unknown as {
    reservationStore?: Partial<ReservationStore>
  } & Pick<RelayNode['services']['relay'], 'reservations'>
  if (typeof store?.reserve !== 'function')
    throw new TypeError('@libp2p/circuit-relay-v2 keeps its reservations elsewhere now: share them there')
  const { addressGroupOf, onRefused, onCut } = components
  const original = store.reserve
  const reserve = original.bind(store)
  const crowd = new Crowd<Place>()
  const places = new Map<string, Place>()
  const leave = (place: Place): void => {
    crowd.remove(place)
    places.delete(place.peer.toString())
  }
  const makeRoom = (newcomer: Place): boolean => {
    const leaver = crowd.giveWayTo(newcomer)
    if (!leaver || leaver === newcomer) return false
    leave(leaver)
    reservations.get(leaver.peer)?.signal.clear()
    reservations.delete(leaver.peer)
    const lost = new Error('another address needs the place')
    for (const connection of node.getConnections(leaver.peer)) connection.abort(lost)
    onCut()
    return true
  }
  store.reserve = (peer, ...rest) => {
    const place = places.get(peer.toString()) ?? { peer }
    const isNew = !reservations.has(peer)
    places.set(peer.toString(), place)
    crowd.add(place, addressGroupOf(peer) ?? '')
    let result = reserve(peer, ...rest)
    if (result.status !== 'OK' && makeRoom(place)) result = reserve(peer, ...rest)
    if (result.status !== 'OK') {
      leave(place)
      onRefused()
    } else if (isNew) reservations.get(peer)?.signal.addEventListener('abort', () => leave(place))
    return result
  }
  const onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    const place = places.get(peer.toString())
    if (place && node.getConnections(peer).length === 0) leave(place)
  }
  node.addEventListener('peer:disconnect', onDisconnect)
  return () => {
    node.removeEventListener('peer:disconnect', onDisconnect)
    store.reserve = original
  }
}
