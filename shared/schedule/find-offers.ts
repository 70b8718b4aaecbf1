import type { Clock } from '../base/clock.ts'
import type { ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { askRelays, type SlowRelays } from './ask-relays.ts'
import { MAX_QUERY_OFFERS } from './constants.ts'
import type { DirectoryPort } from './directory-port.ts'
import { openOffer, type Offer, type SignedOffer } from './offer.ts'

/** An offer that was verified here, and who named it. */
export interface FoundOffer {
  readonly offer: Offer
  readonly relays: readonly PeerName[]
}

export interface FindOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** With them, an answer of one relay that names somebody is enough, see `askRelays`. @default every relay is waited for */
  readonly slow?: SlowRelays | undefined
  /** What is kept of those that answer late, see `askRelays`. @default nothing */
  readonly late?: Map<PeerName, readonly FoundOffer[]> | undefined
  /** Whom a relay need not name again: its next page. @default nobody */
  readonly besides?: (relay: PeerName) => readonly PeerName[]
  /** Told where a relay says that it knows more than it named. */
  readonly onMore?: () => void
  /** Told where a relay has nobody because it has just started: its providers may still come back. */
  readonly onFilling?: () => void
  /** Told of each relay's record of what is wanted, which is still to be verified. */
  readonly onDemand?: (relay: PeerName, record: Uint8Array) => void
  /** Told of each offer that was named and cannot be used, and why. */
  readonly onUnread?: (provider: PeerName, reason: InfernetError) => void
}

/**
 * Asks the directories at once and merges what they say: verified here, newest sequence number wins, no relay's rank
 * is trusted. A relay that does not answer, or answers rubbish, is left out.
 *
 * @throws InfernetError `schedule.no-relay` when none answers; the signal's reason.
 */
export async function findOffers(
  directories: readonly DirectoryPort[],
  model: ModelHash | undefined,
  options: FindOptions,
): Promise<FoundOffer[]> {
  const { clock, signal, slow, late } = options
  const heard = await askRelays<DirectoryPort, readonly FoundOffer[]>(
    directories,
    (directory, own) => askOne(directory, model, { ...options, ...own }),
    { clock, signal, slow, late, isEnough: (found) => found.length > 0 },
  )
  if (heard.length === 0) throw new InfernetError('schedule.no-relay')
  return mergeOffers(heard.flat())
}

/** One of each provider and model, the newest, with all who named it. */
export function mergeOffers(found: readonly FoundOffer[]): FoundOffer[] {
  const best = new Map<string, FoundOffer>()
  for (const { offer, relays } of found) {
    const key = `${offer.provider} ${offer.model}`
    const known = best.get(key)
    const newer = !known || offer.sequence > known.offer.sequence ? offer : known.offer
    best.set(key, { offer: newer, relays: [...new Set([...(known?.relays ?? []), ...relays])] })
  }
  return [...best.values()]
}

async function askOne(
  directory: DirectoryPort,
  model: ModelHash | undefined,
  { clock, signal, besides, onMore, onFilling, onDemand, onUnread }: FindOptions,
): Promise<FoundOffer[]> {
  const { relay } = directory
  const { offers, total, fillingMs, demand } = await directory.query(model, MAX_QUERY_OFFERS, {
    signal,
    besides: besides?.(relay),
  })
  if (total > offers.length) onMore?.()
  if (fillingMs !== undefined) onFilling?.()
  if (demand) onDemand?.(relay, demand)
  const verified = await Promise.all(
    offers.map((signed) => verify(signed, model, relay, clock.now(), onUnread)),
  )
  return verified.filter((found) => found !== undefined)
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
