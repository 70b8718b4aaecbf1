import type { Clock } from '../base/clock.ts'
import { millis } from '../base/units.ts'

/** Notices that somebody who was asked does not answer any more. */
export interface Watchdog {
  /** To be called with each question; what comes back is to be called with its answer, whatever it is. */
  asked(): () => void
}

/**
 * Calls back once when questions are open and not one answer has come for `limitMs`.
 *
 * When its own timer comes late, it was this page that stood still (frozen, asleep), and nobody is judged by that.
 */
export function createWatchdog(clock: Clock, limitMs: number, onSilent: () => void): Watchdog {
  const periodMs = limitMs / 4
  let open = 0
  let aliveAt = 0
  let checkedAt = 0
  let armed = false

  function arm(): void {
    armed = true
    checkedAt = clock.monotonic()
    clock.schedule(millis(periodMs), check)
  }

  function check(): void {
    armed = false
    if (open === 0) return
    const now = clock.monotonic()
    if (now - checkedAt > 2 * periodMs) aliveAt = now
    if (now - aliveAt >= limitMs) onSilent()
    else arm()
  }

  return {
    asked() {
      if (open++ === 0) aliveAt = clock.monotonic()
      if (!armed) arm()
      let answered = false
      return () => {
        if (answered) return
        answered = true
        open--
        aliveAt = clock.monotonic()
      }
    },
  }
}
