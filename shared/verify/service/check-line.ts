import type { ModelHash } from '../../base/ids.ts'
import { raceSignal } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { MAX_INTERRUPTIONS, MAX_RUNNING_CHECKS, MAX_WAITING_CHECKS } from './constants.ts'

interface Place {
  readonly model: ModelHash
  readonly enter: () => void
}

/**
 * The line of checks behind the jobs: one is read at a time, while there is a place that no job needs. When a job comes
 * that does, the reading is broken off and begins anew when there is a place again.
 */
export class CheckLine {
  readonly #hasRoom: (model: ModelHash) => boolean
  #waiting: Place[] = []
  readonly #running = new Map<Place, AbortController>()

  /** @param hasRoom whether a check of this model leaves every job its place */
  constructor(hasRoom: (model: ModelHash) => boolean) {
    this.#hasRoom = hasRoom
  }

  /** Checks that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length
  }

  get running(): number {
    return this.#running.size
  }

  /** False when another check would be refused. */
  get isOpen(): boolean {
    return this.#waiting.length < MAX_WAITING_CHECKS
  }

  /**
   * Runs `read` when its turn comes, again when it was interrupted, and gives what it gave.
   *
   * @throws InfernetError `verify.busy` for a full line, and for a check that was interrupted too often; the signal's
   * reason; what `read` throws
   */
  async run<T>(
    model: ModelHash,
    read: (signal: AbortSignal) => Promise<T>,
    { signal }: { signal: AbortSignal },
  ): Promise<T> {
    if (!this.isOpen) throw new InfernetError('verify.busy')
    for (let interruptions = 0; interruptions < MAX_INTERRUPTIONS; interruptions++) {
      const done = await this.#turn(model, read, { signal, isFirst: interruptions > 0 })
      if (done) return done.value
    }
    throw new InfernetError('verify.busy')
  }

  /** Jobs came or went: who may begin now begins, who is in a job's way makes room. */
  jobsChanged(): void {
    for (const [{ model }, stop] of this.#running)
      if (!this.#hasRoom(model)) stop.abort(new InfernetError('verify.busy'))
    this.#letIn()
  }

  /** One turn; nothing comes back of one that was interrupted. */
  async #turn<T>(
    model: ModelHash,
    read: (signal: AbortSignal) => Promise<T>,
    { signal, isFirst }: { signal: AbortSignal; isFirst: boolean },
  ): Promise<{ readonly value: T } | undefined> {
    const turn = Promise.withResolvers<void>()
    const place: Place = { model, enter: turn.resolve }
    if (isFirst) this.#waiting.unshift(place)
    else this.#waiting.push(place)
    this.#letIn()
    let interrupted: AbortSignal | undefined
    try {
      await raceSignal(turn.promise, signal)
      interrupted = this.#running.get(place)?.signal
      return { value: await read(interrupted ? AbortSignal.any([interrupted, signal]) : signal) }
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      if (interrupted?.aborted) return undefined
      throw thrown
    } finally {
      this.#waiting = this.#waiting.filter((each) => each !== place)
      this.#running.delete(place)
      this.#letIn()
    }
  }

  #letIn(): void {
    while (this.#running.size < MAX_RUNNING_CHECKS) {
      const next = this.#waiting.find(({ model }) => this.#hasRoom(model))
      if (!next) return
      this.#waiting = this.#waiting.filter((each) => each !== next)
      this.#running.set(next, new AbortController())
      next.enter()
    }
  }
}
