import type { Clock } from '#shared/base/clock.ts'
import {
  epochMillis,
  millis,
  MINUTE_MS,
  SECOND_MS,
  type EpochMillis,
  type Millis,
} from '#shared/base/units.ts'

/** HTTP dates are whole seconds, and an answer takes a while: a smaller difference is not told from none. */
const LEAST_DIFFERENCE_MS = 2 * SECOND_MS

/** A clock that drifts by a second in this time is broken in other ways. */
const COMPARE_EVERY_MS = 10 * MINUTE_MS
/** How soon it shows that somebody set the computer's clock. */
const LOOK_EVERY_MS = 5 * SECOND_MS

/** Half the time that an answer takes is the error of what it says of the clock. */
const MAX_ANSWER_MS = 10 * SECOND_MS

/**
 * The page's clock, set by that of the relay which served the page. Offers live for a minute by the clocks of those who
 * sign and list them, so a tab that goes by a wrong clock of its own takes all of them for old.
 */
export class RelayClock implements Clock {
  readonly #own: Clock
  #aheadMs = 0
  #isSet = false
  /** What the own clock was ahead of its count when it was compared; another figure: somebody set it, or the machine slept. */
  #offsetMs = 0

  constructor(own: Clock) {
    this.#own = own
  }

  /** How far the relay's clock is ahead of this computer's, less than zero for behind; 0 also before they were compared. */
  get aheadMs(): Millis {
    return millis(this.#aheadMs)
  }

  /** True when the computer's clock was set, or stood still, since it was compared. */
  get isDoubtful(): boolean {
    return (
      this.#isSet && Math.abs(this.#own.now() - this.#own.monotonic() - this.#offsetMs) > LEAST_DIFFERENCE_MS
    )
  }

  now(): EpochMillis {
    return epochMillis(Math.round(this.#own.now() + this.#aheadMs))
  }

  monotonic(): Millis {
    return this.#own.monotonic()
  }

  schedule(delay: Millis, callback: () => void): { stop(): void } {
    return this.#own.schedule(delay, callback)
  }

  /**
   * Takes the time that an answer of the relay names in its header. One from a cache, one that took long, and one that
   * names none say nothing.
   *
   * @param sentAt when the answer was asked for, by `monotonic`
   */
  hear(headers: Pick<Headers, 'get'>, sentAt: Millis): void {
    const said = Date.parse(headers.get('date') ?? '')
    const tookMs = this.#own.monotonic() - sentAt
    if (Number.isNaN(said) || headers.get('age') !== null || tookMs > MAX_ANSWER_MS) return
    // The header names the second that had begun when the answer was written, about half-way through the wait.
    const ahead = said + SECOND_MS / 2 - (this.#own.now() - tookMs / 2)
    this.#aheadMs = Math.abs(ahead) < LEAST_DIFFERENCE_MS + tookMs / 2 ? 0 : Math.round(ahead)
    this.#offsetMs = this.#own.now() - this.#own.monotonic()
    this.#isSet = true
  }
}

/** Compares the clocks again when there is doubt, and now and then without. */
export function keepComparing(clock: RelayClock, compare: () => Promise<unknown>): void {
  let lastAt = clock.monotonic()
  const look = (): void => {
    const isDue = clock.isDoubtful || clock.monotonic() - lastAt > COMPARE_EVERY_MS
    if (isDue) {
      lastAt = clock.monotonic()
      void compare().catch(() => undefined) // what was measured last stands until an answer comes
    }
    clock.schedule(millis(LOOK_EVERY_MS), look)
  }
  clock.schedule(millis(LOOK_EVERY_MS), look)
}
