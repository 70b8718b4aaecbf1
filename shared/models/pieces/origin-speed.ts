import type { Clock } from '../../base/clock.ts'
import { PIECE_BYTES } from '../manifest.ts'
import { ORIGIN_FORGET_MS, ORIGIN_MEASURE_MS } from './constants.ts'
import { SpeedMeter } from './speed-meter.ts'

/** How fast an origin is, by what it brought when it was last read; forgotten after a while without being read. */
export class OriginSpeed {
  readonly #clock: Clock
  readonly #meter: SpeedMeter
  #known: number | undefined
  /** Since when it is measured, and what had come by then. */
  #since: { readonly at: number; readonly bytes: number } | undefined
  /** Undefined while it is read. */
  #pausedAt: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#meter = new SpeedMeter(clock)
    this.#pausedAt = clock.monotonic()
  }

  /** Undefined before enough of it came to tell. */
  get bytesPerSecond(): number | undefined {
    const now = this.#clock.monotonic()
    if (this.#pausedAt === undefined) this.#measure(now)
    else if (now - this.#pausedAt > ORIGIN_FORGET_MS) this.#known = undefined
    return this.#known
  }

  add(bytes: number): void {
    const now = this.#clock.monotonic()
    // After a pause its first bytes come slowly again; the short ones between two requests are a part of its speed.
    const isFresh = this.#pausedAt !== undefined && now - this.#pausedAt > ORIGIN_MEASURE_MS
    if (isFresh || !this.#since) this.#since = { at: now, bytes: this.#meter.total }
    this.#pausedAt = undefined
    this.#meter.add(bytes)
  }

  /** It is not read from now on. */
  pause(): void {
    if (this.#pausedAt !== undefined) return
    this.#pausedAt = this.#clock.monotonic()
    this.#measure(this.#pausedAt)
  }

  #measure(now: number): void {
    const { at = now, bytes = this.#meter.total } = this.#since ?? {}
    if (now - at >= ORIGIN_MEASURE_MS && this.#meter.total - bytes > PIECE_BYTES)
      this.#known = this.#meter.bytesPerSecond
  }
}
