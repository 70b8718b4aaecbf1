import type { Clock } from '../base/clock.ts'
import type { ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis } from '../base/units.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { SlowRelays } from '../schedule/ask-relays.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { openDemand } from '../schedule/demand/demand-record.ts'
import { mergeDemand, type WantedShare } from '../schedule/demand/merge-demand.ts'
import { findOffers, type FoundOffer } from '../schedule/find-offers.ts'
import type { LateAnswers } from '../schedule/late-answers.ts'
import type { NetworkView, RelayView } from './peer.ts'

export interface LookComponents {
  readonly clock: Clock
  readonly directories: readonly DirectoryPort[]
  readonly relays: { readonly views: readonly RelayView[] }
  readonly slowRelays: SlowRelays
  /** What relays named that were late with an earlier look. */
  readonly late: LateAnswers<ModelHash | undefined, readonly FoundOffer[]>
}

/** What the relays know now, from offers that were verified here. See `Peer.look`. */
export async function look(
  { clock, directories, relays, slowRelays: slow, late }: LookComponents,
  model: ModelHash | undefined,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<NetworkView> {
  const unread = new Map<PeerName, InfernetError>()
  const onUnread = (provider: PeerName, reason: InfernetError): void => void unread.set(provider, reason)
  const records = new Map<PeerName, Uint8Array>()
  const onDemand = (relay: PeerName, record: Uint8Array): void => void records.set(relay, record)
  const found = await findOffers(directories, model, {
    ...{ clock, signal, slow, late: late.of(model) },
    ...{ onUnread, onDemand },
  })
  const now = clock.now()
  const offers = found.map(({ offer, relays: named }) => ({
    offer,
    relays: named,
    expired: offer.expiresAt <= now,
  }))
  for (const { offer } of found) unread.delete(offer.provider)
  const demand = await readDemand(records, now)
  return { offers, unread, relays: relays.views, takenAt: now, demand }
}

/** A record that is not what its relay signed counts as none. */
async function readDemand(
  records: ReadonlyMap<PeerName, Uint8Array>,
  now: EpochMillis,
): Promise<readonly WantedShare[]> {
  const read = await Promise.allSettled(
    [...records].map(([relay, record]) => openDemand(record, { relay, now })),
  )
  return mergeDemand(read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])))
}
