import { platformClock } from '#shared/base/platform-clock.ts'

/** The clock of a dedicated worker, whose timers run on while the tab is hidden. */
export const workerClock = platformClock(globalThis)
