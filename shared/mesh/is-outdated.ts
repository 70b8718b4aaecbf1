import type { RelayView } from '../peer/peer.ts'

/** True when this side is too old for every relay that it knows: no wait will change that. */
export function isOutdated(relays: readonly RelayView[]): boolean {
  return relays.length > 0 && relays.every(({ state }) => state === 'newer')
}
