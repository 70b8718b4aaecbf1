import type { Clock } from './clock.ts'
import { millis } from './units.ts'

/**
 * Does one thing soon, whoever wishes it: of all wishes that wait the earliest counts, and is forgotten when it is met.
 *
 * @example
 * const timer = new SoonTimer(clock, () => void this.#renew())
 * timer.within(RENEW_MS)
 * timer.within(0) // something changed: at once, and not a second time after RENEW_MS
 */
export class SoonTimer {
  readonly #clock: Clock
  readonly #run: () => void
  #timer: { stop(): void } | undefined
  #dueAt = Infinity
  #isStopped = false

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock
    this.#run = run
  }

  /** Runs it when this time is over, unless that is due earlier already. Does nothing once stopped. */
  within(delayMs: number): void {
    if (this.#isStopped) return
    const at = this.#clock.monotonic() + delayMs
    if (at >= this.#dueAt) return
    this.#timer?.stop()
    this.#dueAt = at
    this.#timer = this.#clock.schedule(millis(delayMs), () => {
      this.#dueAt = Infinity
      this.#run()
    })
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
  }
}
