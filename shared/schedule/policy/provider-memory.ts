import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import type { Trust } from './trust.ts'
import { MINUTE_MS, type Millis } from '../../base/units.ts'

/** A consumer meets a few dozen providers; a thousand entries are some 100 KB. */
const MAX_REMEMBERED = 1000

/** A failure weighs half after this long: a tab that was closed once may well come back. */
const FAILURE_HALF_LIFE_MS = 5 * MINUTE_MS

/** How much a new observation moves the correction of predictions. */
const EWMA_WEIGHT = 0.3

interface Entry {
  failures: number
  failedAt: Millis
  slowness: number
}

/**
 * What this consumer itself saw of providers: jobs that failed, and how far their quotes were off.
 *
 * Peak-EWMA (docs/design-notes.md): a quote that was too good counts at once, one that was too bad only by and by, so a
 * provider that promises too much is priced in.
 */
export class ProviderMemory implements Trust {
  readonly #clock: Clock
  readonly #entries = new Map<PeerName, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  failed(provider: PeerName): void {
    const entry = this.#entryOf(provider)
    entry.failures = this.#failuresNow(entry) + 1
    entry.failedAt = this.#clock.monotonic()
  }

  /** A job ended well: `observed` and `predicted` are its times to the first token. */
  served(provider: PeerName, { observedMs, predictedMs }: { observedMs: Millis; predictedMs: Millis }): void {
    const entry = this.#entryOf(provider)
    entry.failures = this.#failuresNow(entry) / 2
    entry.failedAt = this.#clock.monotonic() // what has faded does not fade a second time
    const ratio = observedMs / Math.max(1, predictedMs)
    entry.slowness = Math.max(ratio, entry.slowness + EWMA_WEIGHT * (ratio - entry.slowness))
    entry.slowness = Math.min(entry.slowness, 100)
  }

  /** Halves with each fresh failure. */
  trustIn(provider: PeerName): number {
    const entry = this.#entries.get(provider)
    return entry ? 2 ** -this.#failuresNow(entry) : 1
  }

  slownessOf(provider: PeerName): number {
    return Math.max(1, this.#entries.get(provider)?.slowness ?? 1)
  }

  #failuresNow({ failures, failedAt }: Entry): number {
    return failures * 2 ** (-(this.#clock.monotonic() - failedAt) / FAILURE_HALF_LIFE_MS)
  }

  #entryOf(provider: PeerName): Entry {
    const entry = this.#entries.get(provider) ?? {
      failures: 0,
      failedAt: this.#clock.monotonic(),
      slowness: 1,
    }
    this.#entries.delete(provider) // and to the end again: the first key is the one that was not met for longest
    this.#entries.set(provider, entry)
    const eldest = this.#entries.keys().next().value
    if (this.#entries.size > MAX_REMEMBERED && eldest) this.#entries.delete(eldest)
    return entry
  }
}
