import type { Clock } from '../base/clock.ts'
import type { ModelHash, PeerName } from '../base/ids.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { findOffers } from '../schedule/find-offers.ts'
import type { NetworkView, RelayView } from './peer.ts'

export interface LookComponents {
  readonly clock: Clock
  readonly directories: readonly DirectoryPort[]
  readonly relays: { readonly views: readonly RelayView[] }
}

/** What the relays know now, from offers that were verified here. See `Peer.look`. */
export async function look(
  { clock, directories, relays }: LookComponents,
  model: ModelHash | undefined,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<NetworkView> {
  const unread = new Map<PeerName, InfernetError>()
  const onUnread = (provider: PeerName, reason: InfernetError): void => void unread.set(provider, reason)
  const found = await findOffers(directories, model, { now: () => clock.now(), signal, onUnread })
  const now = clock.now()
  const offers = found.map(({ offer, relays: named }) => ({
    offer,
    relays: named,
    expired: offer.expiresAt <= now,
  }))
  for (const { offer } of found) unread.delete(offer.provider)
  return { offers, unread, relays: relays.views, takenAt: now }
}
