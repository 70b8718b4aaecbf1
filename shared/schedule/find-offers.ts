import type { ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_QUERY_OFFERS } from './constants.ts'
import type { DirectoryPort } from './directory-port.ts'
import { openOffer, type Offer, type SignedOffer } from './offer.ts'

/** An offer that was verified here, and who named it. */
export interface FoundOffer {
  readonly offer: Offer
  readonly relays: readonly PeerName[]
}

export interface FindOptions {
  readonly now: () => EpochMillis
  readonly signal?: AbortSignal | undefined
  /** Told where a relay has nobody because it has just started: its providers may still come back. */
  readonly onFilling?: () => void
  /** Told of each relay's record of what is wanted, which is still to be verified. */
  readonly onDemand?: (relay: PeerName, record: Uint8Array) => void
  /** Told of each offer that was named and cannot be used, and why. */
  readonly onUnread?: (provider: PeerName, reason: InfernetError) => void
}

/**
 * Asks every directory at once and merges what they say: verified here, newest sequence number wins, no relay's rank
 * is trusted. A relay that does not answer, or answers rubbish, is left out.
 *
 * @throws InfernetError `schedule.no-relay` when none answers; the signal's reason.
 */
export async function findOffers(
  directories: readonly DirectoryPort[],
  model: ModelHash | undefined,
  { now, signal, onUnread, onFilling, onDemand }: FindOptions,
): Promise<FoundOffer[]> {
  const options = signal ? { signal } : {}
  const asked = directories.map(async (directory) => {
    const { offers, fillingMs, demand } = await directory.query(model, MAX_QUERY_OFFERS, options)
    if (fillingMs !== undefined) onFilling?.()
    if (demand) onDemand?.(directory.relay, demand)
    return Promise.all(offers.map((signed) => verify(signed, model, directory.relay, now(), onUnread)))
  })
  const answers = await Promise.allSettled(asked)
  signal?.throwIfAborted()
  const heard = answers.filter((answer) => answer.status === 'fulfilled')
  if (heard.length === 0) throw new InfernetError('schedule.no-relay')
  return merge(heard.flatMap((answer) => answer.value).filter((found) => found !== undefined))
}

async function verify(
  signed: SignedOffer,
  model: ModelHash | undefined,
  relay: PeerName,
  now: EpochMillis,
  onUnread: FindOptions['onUnread'],
): Promise<FoundOffer | undefined> {
  try {
    const offer = await openOffer(signed, now)
    return model && offer.model !== model ? undefined : { offer, relays: [relay] }
  } catch (thrown) {
    onUnread?.(signed.provider, InfernetError.from(thrown))
    return undefined // forged, expired or malformed: as if the relay had not named it
  }
}

function merge(found: readonly FoundOffer[]): FoundOffer[] {
  const best = new Map<string, FoundOffer>()
  for (const { offer, relays } of found) {
    const key = `${offer.provider} ${offer.model}`
    const known = best.get(key)
    const newer = !known || offer.sequence > known.offer.sequence ? offer : known.offer
    best.set(key, { offer: newer, relays: [...(known?.relays ?? []), ...relays] })
  }
  return [...best.values()]
}
