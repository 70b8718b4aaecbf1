import type { Clock } from '#shared/base/clock.ts'
import { epochMillis, millis } from '#shared/base/units.ts'

/** The machine's own clock. */
export const nodeClock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonic: () => millis(performance.now()),
  schedule(delay, callback) {
    const timer = setTimeout(callback, delay)
    return { stop: () => clearTimeout(timer) }
  },
}
