import type { Clock } from '../base/clock.ts'
import { millis, SECOND_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'

/**
 * How long the other candidates have after the first quote came: as long again as that took, so that equals are compared
 * and nobody who takes a dial and answers nothing makes a question more than twice as late. A first dial takes 150 to
 * 350 ms on one machine; over a connection that stands, a way around the world takes 100 ms longer than one next door.
 */
const SETTLE_MS = { least: 100, most: 250 } as const

/**
 * And how long where the first ones must load the model before they begin: one that has it loaded is worth waiting for,
 * but no longer than a small part of what is waited for anyway.
 */
const SETTLE_LOADING_MS = 2 * SECOND_MS

/**
 * Waits for the first success, then as long again for the others, within bounds: longer while none that came is ready,
 * which here is a provider that has the model loaded. Gives nothing when all fail.
 *
 * @param tasks each gives undefined where it fails, and never rejects
 */
export async function firstFew<T>(
  clock: Clock,
  tasks: readonly Promise<T | undefined>[],
  isReady: (item: T) => boolean,
): Promise<T[]> {
  const startedAt = clock.monotonic()
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
    const { least, most } = SETTLE_MS
    const againMs = Math.min(most, Math.max(least, clock.monotonic() - startedAt))
    await Promise.race([all, sleep(clock, millis(againMs))])
  }
  return [...came]
}
