import { platformClock } from '../base/platform-clock.ts'
import type { Random } from '../base/random.ts'

/** The machine's own clock, for tests over real sockets. */
export const realClock = platformClock(globalThis)

export const realRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }
