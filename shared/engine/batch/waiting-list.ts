import { InfernetError } from '../../errors/infernet-error.ts'
import type { Task } from './task.ts'

/** How many askers' shares are remembered. The oldest is forgotten first and begins anew. */
const MAX_REMEMBERED = 1024

/**
 * Who comes next. Among those who wait, the asker with the fewest running requests; among equals the one who got the
 * fewest tokens so far; then whoever came first. So an asker of sixteen does not keep out an asker of one.
 */
export class WaitingList<T extends Task> {
  readonly #limit: number
  #waiting: T[] = []
  /** Tokens that each asker got. */
  readonly #got = new Map<string, number>()

  /** @param limit how many may wait: each pins its prompt, and a stranger sends it */
  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#waiting.length
  }

  /** @throws InfernetError `engine.queue-full` */
  add(task: T): void {
    if (this.#waiting.length >= this.#limit)
      throw new InfernetError('engine.queue-full', { limit: this.#limit })
    this.#waiting.push(task)
  }

  /** Puts a task back that had run; it had its place, so no limit applies. */
  putBack(task: T): void {
    this.#waiting.push(task)
  }

  /** Forgets those who gave up. */
  dropFailed(): void {
    this.#waiting = this.#waiting.filter((task) => !task.failure)
  }

  /** Everyone who waits. */
  get tasks(): readonly T[] {
    return this.#waiting
  }

  /** Takes out the next task, or nothing when `fits` refuses it: a large request is not passed by for ever. */
  takeNext(running: readonly Task[], fits: (task: T) => boolean): T | undefined {
    const runs = (client: string): number => running.filter((task) => task.client === client).length
    let next: T | undefined
    for (const task of this.#waiting) {
      if (!next) next = task
      const byRuns = runs(task.client) - runs(next.client)
      const byTokens = this.#gotBy(task.client) - this.#gotBy(next.client)
      if (byRuns < 0 || (byRuns === 0 && byTokens < 0)) next = task
    }
    if (!next || !fits(next)) return undefined
    this.#waiting = this.#waiting.filter((task) => task !== next)
    return next
  }

  /** Counts what an asker got. */
  count(client: string, tokens: number): void {
    const got = this.#gotBy(client) + tokens
    this.#got.delete(client)
    this.#got.set(client, got)
    for (const oldest of this.#got.keys()) {
      if (this.#got.size <= MAX_REMEMBERED) break
      this.#got.delete(oldest)
    }
  }

  #gotBy(client: string): number {
    return this.#got.get(client) ?? 0
  }
}
