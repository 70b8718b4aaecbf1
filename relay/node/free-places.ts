import type { PeerId } from '@libp2p/interface'
import { SECOND_MS } from '#shared/base/units.ts'
import type { RelayNode } from './create-node.ts'

/** libp2p's registrar still reads the peer's protocols when it goes; deleting them first would leak its gossip state. */
const FORGET_AFTER_MS = 2 * SECOND_MS

/**
 * Forgets a peer when its last connection closes. Returns what undoes it.
 *
 * libp2p keeps a reservation for its whole life, so 1000 tabs that came and went filled 1000 places and honest tabs
 * were refused; and it keeps a record of each peer ever seen.
 */
export function freePlacesOfGonePeers(node: RelayNode, onFreed: () => void): () => void {
  const timers = new Set<NodeJS.Timeout>()
  const isGone = (peer: PeerId): boolean => node.getConnections(peer).length === 0
  const onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    if (!isGone(peer)) return
    const { reservations } = node.services.relay
    const reservation = reservations.get(peer)
    if (reservation) {
      // Its timer lives on in libp2p and would end the next reservation of the same peer before its time.
      reservation.signal.clear()
      reservations.delete(peer)
      onFreed()
    }
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (isGone(peer)) node.peerStore.delete(peer).catch(() => undefined) // already gone
    }, FORGET_AFTER_MS)
    timers.add(timer)
  }
  node.addEventListener('peer:disconnect', onDisconnect)
  return () => {
    node.removeEventListener('peer:disconnect', onDisconnect)
    for (const timer of timers) clearTimeout(timer)
  }
}
