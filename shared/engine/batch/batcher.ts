import { raceSignal } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import {
  BEGIN_TOKENS,
  PREFILL_SEGMENT,
  type Decoder,
  type Logits,
  type Sequence,
} from '../decoder/decoder.ts'
import { nameFailure } from '../engine-failure.ts'
import type { Pace } from '../pace.ts'
import { ReadingSpeeds } from './reading-speeds.ts'
import type { ScoreTask } from './score-task.ts'
import type { AnswerTask } from './task.ts'
import { WaitingList } from './waiting-list.ts'

type AnyTask = AnswerTask | ScoreTask

/** While others write, a prompt is read in smaller steps, so that it holds them up by one of these at most. */
const SHARED_SEGMENT = 32

/** After so many tokens a running answer makes room for one that waits, if any does. It goes on later. @internal */
export const TURN_TOKENS = 256

export interface BatcherComponents {
  readonly decoder: Decoder
  /** Monotonic milliseconds. */
  readonly now: () => number
  /**
   * Lets waiting messages in between two steps. On wasm a step occupies the thread and its promise is a microtask, so
   * without this no cancel would be heard before the answer is complete.
   */
  readonly breathe: () => Promise<void>
  /** Rests between steps, so that the visitor keeps a share of the device. */
  readonly pace?: Pace | undefined
}

export interface BatcherInit {
  /** Requests that wait beyond those that run. */
  readonly maxWaiting: number
  /** What the KV caches of all running requests may take together, in bytes. */
  readonly cacheBytes: number
  /** Called when what a step threw says that no further step can be trusted. */
  readonly onBroken: (error: Error) => void
  /** Aborted when the device is lost: a running step may hang for ever and is no longer waited for. */
  readonly dying: AbortSignal
}

/**
 * Continuous batching: requests join and leave at token boundaries.
 *
 * Each round reads one segment of one prompt, or the beginnings of several, and then one token of every answer that
 * somebody waits for. So prompts of any length and number hold up the others by one segment a round. Nothing is computed far ahead of what is pulled, and nothing at
 * all when nobody pulls.
 */
export class Batcher {
  readonly #parts: BatcherComponents
  readonly #init: BatcherInit
  readonly #waiting: WaitingList<AnyTask>
  #running: AnyTask[] = []
  /** Those of a running call: their caches may not be freed under it. */
  #busy: readonly AnyTask[] = []
  #width = 1
  #turning: Promise<void> | undefined
  readonly #closing = new AbortController()
  #isWoken = false
  readonly #speeds = new ReadingSpeeds()
  /** Rotates, so that of more answers than rows each has its turn. */
  #turn = 0

  constructor(parts: BatcherComponents, init: BatcherInit) {
    this.#parts = parts
    this.#init = init
    this.#waiting = new WaitingList(init.maxWaiting)
  }

  /**
   * Takes a task in. It is computed when it has a place, and over when it is finished or failed.
   *
   * @throws InfernetError `engine.queue-full`
   */
  add(task: AnyTask): void {
    this.#letGo()
    if (this.#waiting.length === 0 && this.#hasRoom(task)) this.#running.push(task)
    else this.#waiting.add(task)
    this.wake()
  }

  /** Something changed: a pull, a cancel. */
  wake(): void {
    this.#isWoken = true
    this.#turning ??= this.#turnUntilIdle()
  }

  /** How many requests run at once, each with a KV cache, and share a step. 1 until it is set. */
  setWidth(width: number): void {
    this.#width = width
    this.wake()
  }

  /** Resolves when no step runs any more and all caches are freed. */
  async close(): Promise<void> {
    this.#closing.abort(new InfernetError('engine.closed'))
    await this.#turning
    for (const task of this.#running) task.sequence?.dispose()
    this.#running = []
  }

  async #turnUntilIdle(): Promise<void> {
    try {
      // Who comes with the first is begun with it.
      await this.#parts.breathe()
      while (!this.#closing.signal.aborted) {
        this.#isWoken = false
        this.#letGo()
        this.#letIn()
        const hasRead = (await this.#begin()) || (await this.#readOne())
        const hasWritten = !this.#closing.signal.aborted && (await this.#writeAll())
        if (!hasRead && !hasWritten && !this.#isWoken) return
      }
    } finally {
      // Not in a later microtask: a wake in between would be lost.
      this.#turning = undefined
    }
  }

  /** Ends what is finished or failed, running or waiting. */
  #letGo(): void {
    for (const task of this.#running.filter(({ isOver }) => isOver))
      if (!this.#busy.includes(task)) this.#remove(task)
    this.#waiting.dropFailed()
  }

  #remove(task: AnyTask): void {
    task.sequence?.dispose()
    task.sequence = undefined
    this.#waiting.count(task.client, task.served)
    this.#running = this.#running.filter((other) => other !== task)
  }

  #letIn(): void {
    for (;;) {
      const next = this.#waiting.takeNext(this.#running, (task) => this.#hasRoom(task))
      if (next) this.#running.push(next)
      else if (this.#waiting.length === 0 || !this.#makeRoom()) return
    }
  }

  /** Lets the answer step aside that has had the most since it was let in, if it has had its turn. */
  #makeRoom(): boolean {
    const answers = this.#running.filter((task) => task.kind === 'answer')
    const longest = answers.toSorted((a, b) => b.wroteInTurn - a.wroteInTurn)[0]
    if (!longest || longest.wroteInTurn < TURN_TOKENS) return false
    this.#remove(longest)
    longest.forget()
    this.#waiting.putBack(longest)
    return true
  }

  #hasRoom(task: AnyTask): boolean {
    const running = this.#running.filter(({ isOver }) => !isOver)
    if (running.length === 0) return true
    if (running.length >= this.#width) return false
    const tokens = [...running, task].reduce((sum, { cacheTokens }) => sum + cacheTokens, 0)
    return tokens * this.#parts.decoder.cacheBytesPerToken <= this.#init.cacheBytes
  }

  /** Reads the beginnings of several prompts in one run, where there are several and that is the faster way. */
  async #begin(): Promise<boolean> {
    const { decoder, now } = this.#parts
    const answers = this.#running.filter((task) => task.kind === 'answer' && task.isHungry)
    const fresh = answers.filter((task): task is AnswerTask => task.kind === 'answer' && task.freshTokens > 0)
    const budget = answers.length > fresh.length ? PREFILL_SEGMENT : BEGIN_TOKENS
    const { tasks, count } = mostTokens(fresh, budget, decoder.maxRows)
    if (tasks.length < 2 || !this.#speeds.isJointFaster(count)) return false
    const rows = tasks.map((task) => {
      const { tokens, isLast } = task.segment(count)
      const sequence = (task.sequence ??= decoder.open())
      return { sequence, tokens, last: isLast ? { hint: task.hint() } : undefined }
    })
    await this.#run(tasks, async () => {
      const begun = now()
      const answers = await decoder.begin(rows)
      this.#speeds.note(rows.length, count, now() - begun)
      tasks.forEach((task, i) => {
        task.hasRead(count)
        const logits = answers[i]
        if (logits) task.draw(logits)
      })
    })
    return true
  }

  /** Reads the next segment of one prompt. */
  async #readOne(): Promise<boolean> {
    const readers = this.#running.filter((task) =>
      task.kind === 'score' ? !task.isOver : task.isHungry && task.isReading,
    )
    const task = readers[this.#turn++ % Math.max(1, readers.length)]
    if (!task) return false
    const { decoder, now } = this.#parts
    const sequence = (task.sequence ??= decoder.open())
    const count = this.#running.length > 1 ? SHARED_SEGMENT : PREFILL_SEGMENT
    if (task.kind === 'score') {
      const { tokens, from } = task.segment(count)
      await this.#run([task], async () => {
        if (from < tokens.length) await decoder.score(sequence, tokens, from, (logits) => task.take(logits))
        else await decoder.prefill(sequence, tokens)
        task.hasRead(tokens.length)
      })
      return true
    }
    const { tokens, isLast } = task.segment(count)
    await this.#run([task], async () => {
      const begun = now()
      if (!isLast) await decoder.prefill(sequence, tokens)
      else {
        const logits = await decoder.prefill(sequence, tokens, { hint: task.hint() })
        this.#speeds.note(1, tokens.length, now() - begun)
        task.hasRead(tokens.length)
        return task.draw(logits)
      }
      task.hasRead(tokens.length)
    })
    return true
  }

  /** Writes one token of every answer that is asked for, as far as there are rows. */
  async #writeAll(): Promise<boolean> {
    const { decoder } = this.#parts
    const writers = this.#running.filter(
      (task): task is AnswerTask => task.kind === 'answer' && task.isHungry && !task.isReading,
    )
    if (writers.length === 0) return false
    const first = writers.length > decoder.maxRows ? this.#turn++ % writers.length : 0
    const rows = [...writers.slice(first), ...writers.slice(0, first)].slice(0, decoder.maxRows)
    await this.#run(rows, async () => {
      const inputs = rows.map((task) => ({
        sequence: task.sequence as Sequence,
        token: task.lastToken,
        hint: task.hint(),
      }))
      const answers = await decoder.step(inputs)
      rows.forEach((task, i) => {
        task.hasRead(1)
        task.draw(answers[i] as Logits)
      })
    })
    return true
  }

  /** Calls the decoder, rests and lets messages in. What goes wrong ends the tasks that took part. */
  async #run(tasks: readonly AnyTask[], call: () => Promise<void>): Promise<void> {
    const { now, pace, breathe } = this.#parts
    const { dying, onBroken } = this.#init
    const begun = now()
    this.#busy = tasks
    try {
      await raceSignal(call(), dying)
    } catch (thrown) {
      const error = nameFailure(thrown, dying)
      for (const task of tasks) task.fail(error)
      const isLost = error instanceof InfernetError && error.code === 'engine.device-lost'
      // A trap leaves the wasm heap in an unknown state: nothing after it can be trusted.
      if (isLost || thrown instanceof WebAssembly.RuntimeError) onBroken(error)
    } finally {
      this.#busy = []
    }
    this.#letGo()
    // A rest that is left alone is accounted for, and an engine that is closed need not wait for its end.
    const rest = pace?.afterStep(now() - begun)
    if (rest) await raceSignal(rest, this.#closing.signal).catch(() => undefined)
    await breathe()
  }
}

/** Which prompts to begin together, and how many tokens of each, so that the most tokens are read. */
function mostTokens(
  fresh: readonly AnswerTask[],
  budget: number,
  maxRows: number,
): { readonly tasks: readonly AnswerTask[]; readonly count: number } {
  let best: { readonly tasks: readonly AnswerTask[]; readonly count: number } = { tasks: [], count: 0 }
  for (const { freshTokens } of fresh) {
    const count = Math.min(SHARED_SEGMENT, freshTokens)
    const rows = Math.min(maxRows, Math.floor(budget / count))
    const tasks = fresh.filter((other) => other.freshTokens >= count).slice(0, rows)
    if (tasks.length * count > best.tasks.length * best.count) best = { tasks, count }
  }
  return best
}
