import type { Clock } from '../base/clock.ts'
import { millis, SECOND_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'

/**
 * How long the other candidates have after the first quote came. A first dial takes 150 to 350 ms on one machine, so
 * this lets equals be compared without making the quickest wait for the slowest.
 */
const SETTLE_MS = 250

/**
 * And how long where the first ones must load the model before they begin: one that has it loaded is worth waiting for,
 * but no longer than a small part of what is waited for anyway.
 */
const SETTLE_LOADING_MS = 2 * SECOND_MS

/**
 * Waits for the first success, then a moment for the others: a longer one while none that came is ready, which here is a
 * provider that has the model loaded. Gives nothing when all fail.
 *
 * @param tasks each gives undefined where it fails, and never rejects
 */
export async function firstFew<T>(
  clock: Clock,
  tasks: readonly Promise<T | undefined>[],
  isReady: (item: T) => boolean,
): Promise<T[]> {
  const came: T[] = []
  const [first, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const all = Promise.all(
    tasks.map(async (task) => {
      const item = await task
      if (item === undefined) return
      came.push(item)
      first.resolve()
      if (isReady(item)) ready.resolve()
    }),
  )
  await Promise.race([all, first.promise])
  if (tasks.length > 1) {
    await Promise.race([all, ready.promise, sleep(clock, millis(SETTLE_LOADING_MS))])
    await Promise.race([all, sleep(clock, millis(SETTLE_MS))])
  }
  return [...came]
}
