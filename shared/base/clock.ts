import type { EpochMillis, Millis } from './units.ts'

/** Where time comes from. A tab hangs it on its worker, because main-thread timers of a hidden tab stand still. */
export interface Clock {
  /** Wall-clock time, for what is signed and expires. */
  now(): EpochMillis
  /** Time that never goes back, for measuring. Its origin is arbitrary. */
  monotonic(): Millis
  /** Calls back after at least `delay`; `stop` undoes it. */
  schedule(delay: Millis, callback: () => void): { stop(): void }
}
