import type { Clock } from './clock.ts'
import { epochMillis, millis } from './units.ts'

/** What a platform tells the time with; `globalThis` of a page, a worker and Node has all of it. */
export interface Timers<Timer> {
  readonly Date: { now(): number }
  readonly performance: { now(): number }
  setTimeout(callback: () => void, delayMs: number): Timer
  clearTimeout(timer: Timer): void
}

/** The platform's own clock. */
export function platformClock<Timer>(timers: Timers<Timer>): Clock {
  return {
    now: () => epochMillis(timers.Date.now()),
    monotonic: () => millis(timers.performance.now()),
    schedule(delay, callback) {
      const timer = timers.setTimeout(callback, delay)
      return { stop: () => timers.clearTimeout(timer) }
    },
  }
}
