import type { Clock } from '../base/clock.ts'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'

/** Where the engine asks, after each step, whether it owes a rest. */
export interface Pace {
  /**
   * To be called after each step, with the time it took; the next step waits for what comes back. Undefined: go on.
   *
   * What comes back never rejects. It may be left alone, as by an engine that is closed or has nothing more to do: the
   * time until the next step then counts as rest.
   *
   * @param busyMs how long the device computed
   */
  afterStep(busyMs: number): Promise<void> | undefined
}

/** Shorter rests than this are saved up: a timer would oversleep them by as much. */
const MIN_REST_MS = 20
/** Rests are slept in slices, so that a share that is raised meanwhile is noticed. */
const SLICE_MS = 500
/** Rest in advance, from timers that overslept, is paid back with work; more than this much of it is forgotten. */
const MAX_SAVED_REST_MS = 1000
/** An engine that never gets its turn would look like a stuck one. */
const MIN_SHARE = 0.05

/**
 * Lets an engine compute for a share of the time: a step of `b` ms is paid with `b (1 / share - 1)` ms of rest.
 *
 * What is owed is carried from step to step, and what a timer overslept is carried as well, so that the share holds
 * over a few seconds however long the steps are and however late the timers. Time without work pays debts but saves
 * nothing, so that after a quiet hour the engine does not run at full speed for another.
 *
 * @param share asked anew each time, (0, 1]: the visitor may move the slider while an answer is written
 *
 * @example
 * const pace = createDutyPace(clock, () => 0.7)
 * await pace.afterStep(12)
 */
export function createDutyPace(clock: Clock, share: () => number): Pace {
  /** Milliseconds of work whose rest is still owed; below zero, rest was taken in advance. */
  let unpaidMs = 0
  let accountedUntil = clock.monotonic() as number
  let round = 0

  /** How much rest a millisecond of work costs. */
  function restPerWork(): number {
    return 1 / Math.min(1, Math.max(MIN_SHARE, share())) - 1
  }

  async function rest(): Promise<void> {
    const mine = round
    for (;;) {
      const owed = unpaidMs * restPerWork()
      if (owed < MIN_REST_MS) return
      const begun = clock.monotonic()
      await sleep(clock, millis(Math.min(owed, SLICE_MS)))
      // Somebody took the next step without waiting: that step has counted this time already.
      if (mine !== round) return
      const now = clock.monotonic()
      const cost = restPerWork()
      unpaidMs = cost === 0 ? 0 : Math.max(unpaidMs - (now - begun) / cost, -MAX_SAVED_REST_MS / cost)
      accountedUntil = now
    }
  }

  return {
    afterStep(busyMs) {
      round++
      const now = clock.monotonic()
      const idleMs = Math.max(0, now - busyMs - accountedUntil)
      accountedUntil = now
      const cost = restPerWork()
      if (cost === 0) {
        unpaidMs = 0
        return undefined
      }
      if (unpaidMs > 0) unpaidMs = Math.max(0, unpaidMs - idleMs / cost)
      unpaidMs += busyMs
      return unpaidMs * cost < MIN_REST_MS ? undefined : rest()
    },
  }
}
