import { platformClock } from '#shared/base/platform-clock.ts'

/** The machine's own clock. */
export const nodeClock = platformClock(globalThis)
