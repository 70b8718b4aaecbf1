import type { Clock } from '../../base/clock.ts'
import { SECOND_MS } from '../../base/units.ts'

/** Speed is taken over so long. */
const WINDOW_MS = 4 * SECOND_MS

/** Counts bytes, and tells how fast they come now. */
export class SpeedMeter {
  readonly #clock: Clock
  readonly #since: number
  /** Sums of half a second each. */
  #slices: { readonly at: number; bytes: number }[] = []
  #total = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  get total(): number {
    return this.#total
  }

  /** Over the last seconds, or since the first byte where that is less. */
  get bytesPerSecond(): number {
    const now = this.#clock.monotonic()
    this.#slices = this.#slices.filter(({ at }) => now - at < WINDOW_MS)
    const [first] = this.#slices
    if (!first) return 0
    const bytes = this.#slices.reduce((sum, slice) => sum + slice.bytes, 0)
    const spanMs = Math.min(WINDOW_MS, Math.max(SECOND_MS / 2, now - Math.max(first.at, this.#since)))
    return (bytes / spanMs) * SECOND_MS
  }

  add(bytes: number): void {
    const now = this.#clock.monotonic()
    this.#total += bytes
    const last = this.#slices.at(-1)
    if (last && now - last.at < SECOND_MS / 2) last.bytes += bytes
    else this.#slices.push({ at: now, bytes })
    if (this.#slices.length > 64) this.#slices.shift()
  }
}
