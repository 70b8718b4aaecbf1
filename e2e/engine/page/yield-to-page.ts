import { PageYield } from '../../../web/state/provide/yield-to-page.ts'

/** Shares of the time that an engine was told, in order, by what the page was doing. */
export interface Yielding {
  /** Before anything else ran, until it had enough: a machine with much else to do brings frames late by itself. */
  readonly quiet: readonly number[]
  /** While the page's own work held up its frames, until it had little. */
  readonly busy: readonly number[]
  /** Afterwards, until it had enough again. */
  readonly after: readonly number[]
}

export interface YieldInit {
  readonly enough: number
  readonly little: number
  /** For each of the three. */
  readonly patienceMs: number
}

/** How long the page draws in peace at least, so that its usual frame is known. */
const QUIET_MS = 1200
/** A task that holds up four frames of most screens. */
const TASK_MS = 70

/**
 * Has a PageYield watch this page's real frames, keeps the page busy in the middle, and tells what share the engine
 * was given. The engine is to be at work all the while.
 */
export async function yieldToPage(
  setShare: (share: number) => void,
  { enough, little, patienceMs }: YieldInit,
): Promise<Yielding> {
  const told: number[] = []
  const pageYield = new PageYield({
    onFrame(callback) {
      let id = 0
      const frame = (at: number): void => {
        callback(at)
        id = requestAnimationFrame(frame)
      }
      id = requestAnimationFrame(frame)
      return () => cancelAnimationFrame(id)
    },
    allowed: () => 1,
    tell(share) {
      told.push(share)
      setShare(share)
    },
  })
  pageYield.changed()
  pageYield.watch(true)
  await elapse(QUIET_MS)
  await until(() => pageYield.yielding >= enough, elapse)
  const quiet = told.splice(0)
  await until(() => pageYield.yielding <= little, work)
  const busy = told.splice(0)
  await until(() => pageYield.yielding >= enough, elapse)
  pageYield.watch(false)
  return { quiet, busy, after: told.splice(0) }

  async function until(isSo: () => boolean, pass: (ms: number) => Promise<void>): Promise<void> {
    const end = performance.now() + patienceMs
    while (!isSo() && performance.now() < end) await pass(TASK_MS)
  }
}

const elapse = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Work as a careless page does it: one long task, and a breath in which a frame may be drawn. */
async function work(ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end);
  await elapse(0)
}
