import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { epochMillis, millis } from '../base/units.ts'

/** The machine's own clock, for tests over real sockets. */
export const realClock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonic: () => millis(performance.now()),
  schedule: (delay, callback) => {
    const timer = setTimeout(callback, delay)
    return { stop: () => clearTimeout(timer) }
  },
}

export const realRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }
