import type { Clock } from './clock.ts'
import { millis, SECOND_MS, type Millis } from './units.ts'

/** What was stopped leaves a timer for no longer than this. */
const LONGEST_MS = 10 * SECOND_MS

interface Entry {
  readonly dueAt: number
  readonly callback: () => void
}

/**
 * A clock for deadlines that come by the hundred a second and hardly ever pass: of all that wait together one timer
 * runs, and one that is stopped costs nothing. In a tab a timer is two messages to a worker: a sixth of what a page did
 * while it received a model.
 *
 * A callback comes when it is due, as with the clock below.
 */
export class LazyTimers implements Clock {
  readonly #clock: Clock
  readonly #entries = new Set<Entry>()
  #timer: { stop(): void } | undefined
  #firesAt = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): ReturnType<Clock['now']> {
    return this.#clock.now()
  }

  monotonic(): Millis {
    return this.#clock.monotonic()
  }

  schedule(delay: Millis, callback: () => void): { stop(): void } {
    const entry: Entry = { dueAt: this.monotonic() + delay, callback }
    this.#entries.add(entry)
    this.#wakeBy(entry.dueAt)
    return { stop: () => void this.#entries.delete(entry) }
  }

  #wakeBy(dueAt: number): void {
    if (this.#firesAt <= dueAt) return
    this.#timer?.stop()
    const now = this.monotonic()
    const delay = Math.max(0, Math.min(LONGEST_MS, dueAt - now))
    this.#firesAt = now + delay
    this.#timer = this.#clock.schedule(millis(delay), () => this.#fire())
  }

  #fire(): void {
    this.#timer = undefined
    this.#firesAt = Infinity
    const now = this.monotonic()
    const due = [...this.#entries].filter(({ dueAt }) => dueAt <= now)
    try {
      for (const entry of due) if (this.#entries.delete(entry)) entry.callback()
    } finally {
      // Where one threw, the others that are due come at once.
      const next = Math.min(...[...this.#entries].map(({ dueAt }) => dueAt))
      if (next < Infinity) this.#wakeBy(next)
    }
  }
}
