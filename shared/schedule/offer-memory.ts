import type { ModelHash } from '../base/ids.ts'
import type { EpochMillis } from '../base/units.ts'
import type { Offer } from './offer.ts'

/** Offers of a few models and some dozen providers; an offer lives a minute, so there is nothing to gain from more. */
const MAX_REMEMBERED = 128

/**
 * The verified offers that were seen last, for the minute that they stand: when every relay is down, a consumer can
 * still ask those it has a connection to. The live quote decides in any case.
 */
export class OfferMemory {
  readonly #offers = new Map<string, Offer>()
  readonly #onSeen: ((offers: readonly Offer[]) => void) | undefined

  /** @param onSeen hears of all that is seen; it must neither throw nor wait */
  constructor(onSeen?: (offers: readonly Offer[]) => void) {
    this.#onSeen = onSeen
  }

  remember(offers: readonly Offer[]): void {
    for (const offer of offers) {
      const key = `${offer.provider} ${offer.model}`
      this.#offers.delete(key)
      this.#offers.set(key, offer)
    }
    for (const key of this.#offers.keys()) {
      if (this.#offers.size <= MAX_REMEMBERED) break
      this.#offers.delete(key)
    }
    this.#onSeen?.(offers)
  }

  /** What still stands at `now`. */
  recall(model: ModelHash, now: EpochMillis): Offer[] {
    return [...this.#offers.values()].filter((offer) => offer.model === model && offer.expiresAt > now)
  }
}
