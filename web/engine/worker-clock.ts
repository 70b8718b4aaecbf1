import type { Clock } from '#shared/base/clock.ts'
import { epochMillis, millis } from '#shared/base/units.ts'

/** The clock of a dedicated worker, whose timers run on while the tab is hidden. */
export const workerClock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonic: () => millis(performance.now()),
  schedule(delay, callback) {
    const timer = setTimeout(callback, delay)
    return { stop: () => clearTimeout(timer) }
  },
}
