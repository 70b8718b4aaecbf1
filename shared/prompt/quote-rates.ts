import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import {
  MAX_OPEN_QUOTES,
  QUOTE_RATE,
  QUOTE_RATE_NEW,
  QUOTE_RATE_OTHERS,
  UNUSED_QUOTES_RATE,
} from './constants.ts'

interface NameRates {
  readonly rate: TokenBucket
  /** Quotes that it may leave unused and be new all the same. */
  unused: TokenBucket
}

/**
 * How many quotes a provider makes: so many for one name, and so many for all.
 *
 * A name is new until it leaves quotes unused, and again a while later. The new ones have a share that the others have no
 * part in, so that those who only hold quotes take none from whoever comes to use one. A job that was served makes its
 * name new again at once.
 */
export class QuoteRates {
  readonly #clock: Clock
  readonly #names = new Map<PeerName, NameRates>()
  readonly #forNew: TokenBucket
  readonly #forOthers: TokenBucket

  constructor(clock: Clock) {
    this.#clock = clock
    this.#forNew = new TokenBucket(clock, QUOTE_RATE_NEW)
    this.#forOthers = new TokenBucket(clock, QUOTE_RATE_OTHERS)
  }

  /** Whether one more quote for this name is within them all; then it is counted. */
  take(consumer: PeerName): boolean {
    const { rate, unused } = this.#ratesOf(consumer)
    if (!rate.take()) return false
    if (!unused.take()) return this.#forOthers.take()
    if (this.#forNew.take() || this.#forOthers.take()) return true
    unused.giveBack() // it has no quote, and so left none unused
    return false
  }

  /** A quote of this name came to a job that was served. */
  wasUsed(consumer: PeerName): void {
    const known = this.#names.get(consumer)
    if (known) known.unused = new TokenBucket(this.#clock, UNUSED_QUOTES_RATE)
  }

  #ratesOf(consumer: PeerName): NameRates {
    const known = this.#names.get(consumer)
    if (known) return known
    if (this.#names.size >= MAX_OPEN_QUOTES) this.#makeRoom()
    const rates = {
      rate: new TokenBucket(this.#clock, QUOTE_RATE),
      unused: new TokenBucket(this.#clock, UNUSED_QUOTES_RATE),
    }
    this.#names.set(consumer, rates)
    return rates
  }

  #makeRoom(): void {
    for (const [peer, { rate, unused }] of this.#names)
      if (rate.isFull && unused.isFull) this.#names.delete(peer)
    // Still full of busy strangers: forget the eldest. The rates for all together hold in any case.
    for (const eldest of this.#names.keys()) {
      if (this.#names.size < MAX_OPEN_QUOTES) return
      this.#names.delete(eldest)
    }
  }
}
