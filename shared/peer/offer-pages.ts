import type { Clock } from '../base/clock.ts'
import type { ModelHash, PeerName } from '../base/ids.ts'
import { hasCode } from '../errors/infernet-error.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import type { SlowRelays } from '../schedule/ask-relays.ts'
import { findOffers, mergeOffers, type FoundOffer } from '../schedule/find-offers.ts'
import type { OfferMemory } from '../schedule/offer-memory.ts'

/**
 * A page holds 32 offers of each relay, and a question may name a hundred whom it knows: three pages besides the first one
 * are new throughout. A relay that names liars for longer is the only one, or the others have named somebody by then.
 */
const MAX_PAGES = 4

export interface PagesComponents {
  readonly clock: Clock
  readonly directories: () => readonly DirectoryPort[]
  readonly offers: OfferMemory
  readonly slowRelays: SlowRelays
}

export interface PagesInit {
  readonly model: ModelHash
  readonly signal: AbortSignal | undefined
  /** Whether it is worth going on without any relay. */
  readonly isBegun: () => boolean
  /** Told where nobody is named, and a relay has just started. */
  readonly onFilling: () => void
}

/**
 * All that is known after each page: what the relays name first, their next pages as long as these name somebody new, and
 * last what those relays name that were too slow. Whoever finds somebody to ask leaves it there.
 *
 * When no relay answers: what they said within the last minute.
 *
 * @throws InfernetError `schedule.no-relay`, where nothing is remembered either; the signal's reason
 */
export async function* offerPages(
  components: PagesComponents,
  init: PagesInit,
): AsyncGenerator<readonly FoundOffer[], void, void> {
  const { clock, directories, offers, slowRelays } = components
  const { model, signal, isBegun, onFilling } = init
  let known: FoundOffer[] = []
  let [isFilling, hasMore] = [false, false]
  const besides = (relay: PeerName): PeerName[] =>
    known.filter(({ relays }) => relays.includes(relay)).map(({ offer }) => offer.provider)
  const find = async (asked: readonly DirectoryPort[], slow: SlowRelays | undefined): Promise<boolean> => {
    hasMore = false
    const found = await findOffers(asked, model, {
      ...{ clock, signal, slow, besides },
      onMore: () => (hasMore = true),
      onFilling: () => (isFilling = true),
    })
    offers.remember(found.map(({ offer }) => offer))
    const before = known.length
    known = mergeOffers([...known, ...found])
    return known.length > before
  }
  let page = 0
  try {
    let isNew = true
    for (; page < MAX_PAGES && isNew && (page === 0 || hasMore); page++) {
      isNew = await find(directories(), slowRelays)
      if (page === 0 && isFilling && known.length === 0) onFilling()
      if (page === 0 || isNew) yield known
    }
    const late = directories().filter(({ relay }) => slowRelays.has(relay))
    if (late.length > 0 && late.length < directories().length && (await find(late, undefined))) yield known
  } catch (thrown) {
    if (page > 0 && hasCode(thrown, 'schedule.no-relay')) return // what was named stands
    const remembered = offers.recall(model, clock.now())
    const mayGoOn = hasCode(thrown, 'schedule.no-relay') && (remembered.length > 0 || isBegun())
    if (!mayGoOn) throw thrown
    yield remembered.map((offer) => ({ offer, relays: [] }))
  }
}
