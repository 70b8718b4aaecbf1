import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

export interface CallTurnsInit {
  /** Places in all. */
  readonly places: number
  /** Places that strangers never take. */
  readonly reserved: number
  /** Places that the strangers of one address take at once. */
  readonly placesPerAsker: number
  /** How many strangers wait, and as many of the relay's own questions beside them. */
  readonly waiting: number
}

/** The addresses that want one answer: whoever asks the same joins, and the first whose turn it is has it asked. */
export class Askers {
  readonly #names: Set<string>
  #onJoin: ((name: string) => void) | undefined
  #isAsked = false

  constructor(name: string) {
    this.#names = new Set([name])
  }

  get names(): readonly string[] {
    return [...this.#names]
  }

  add(name: string): void {
    if (this.#isAsked || this.#names.has(name)) return
    this.#names.add(name)
    this.#onJoin?.(name)
  }

  /** Calls back with each other one while they wait. */
  whenJoined(tell: (name: string) => void): void {
    this.#onJoin = tell
  }

  /** Nobody waits any more, so nobody need join. */
  asked(): void {
    this.#isAsked = true
    this.#onJoin = undefined
  }
}

/** A question that waits, in the row of each address that wants it. */
interface Waiting {
  readonly rows: Set<string>
  readonly start: (asker: string | undefined) => void
  readonly refuse: (error: InfernetError) => void
}

/**
 * Who asks the chain next. The relay's own questions come first and have places that no stranger takes. Strangers have
 * turns by address: one that asks a thousand things holds up its own, and nobody else's.
 */
export class CallTurns {
  readonly #init: CallTurnsInit
  readonly #own: Waiting[] = []
  /** By address, whose turn is next first. None is empty. */
  readonly #rows = new Map<string, Waiting[]>()
  /** Places taken, by address. */
  readonly #taken = new Map<string, number>()
  #strangersWaiting = 0
  #strangersRunning = 0
  #running = 0

  constructor(init: CallTurnsInit) {
    this.#init = init
  }

  /** Strangers' questions that wait. @internal */
  get waiting(): number {
    return this.#strangersWaiting
  }

  /**
   * Waits for a place; the answer gives it back.
   *
   * @param askers who wants to know; undefined for the relay itself
   * @throws InfernetError `chain.busy` when too many wait, also later: then an address that has fewer waiting came
   */
  async enter(askers: Askers | undefined, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const turn = Promise.withResolvers<() => void>()
    const waiting: Waiting = {
      rows: new Set(),
      start: (asker) => turn.resolve(this.#take(asker)),
      refuse: (error) => turn.reject(error),
    }
    if (askers) this.#queue(waiting, askers)
    else this.#queueOwn(waiting)
    this.#next()
    try {
      return await raceSignal(turn.promise, signal)
    } catch (thrown) {
      this.#forget(waiting)
      // The turn may have come in the same moment.
      void turn.promise.then((leave) => leave()).catch(() => undefined)
      throw thrown
    } finally {
      askers?.asked()
    }
  }

  #queueOwn(waiting: Waiting): void {
    if (this.#own.length >= this.#init.waiting) throw new InfernetError('chain.busy')
    this.#own.push(waiting)
  }

  #queue(waiting: Waiting, askers: Askers): void {
    for (const name of askers.names) this.#makeRoomFor(name)
    this.#strangersWaiting++
    for (const name of askers.names) this.#stand(waiting, name)
    askers.whenJoined((name) => {
      this.#stand(waiting, name)
      this.#next()
    })
  }

  #stand(waiting: Waiting, name: string): void {
    waiting.rows.add(name)
    const row = this.#rows.get(name)
    if (row) row.push(waiting)
    else this.#rows.set(name, [waiting])
  }

  /** Where all places to wait are taken, the newest of whoever has most goes, unless that is who comes. */
  #makeRoomFor(name: string): void {
    if (this.#strangersWaiting < this.#init.waiting) return
    let greediest = name
    let most = (this.#rows.get(name)?.length ?? 0) + 1
    for (const [other, { length }] of this.#rows) if (length > most) [greediest, most] = [other, length]
    const newest = greediest === name ? undefined : this.#rows.get(greediest)?.at(-1)
    if (!newest) throw new InfernetError('chain.busy')
    this.#leaveRow(newest, greediest)
    if (newest.rows.size > 0) return this.#makeRoomFor(name) // another address waits for it too
    this.#strangersWaiting--
    newest.refuse(new InfernetError('chain.busy'))
  }

  #next(): void {
    for (let own = this.#own[0]; own && this.#running < this.#init.places; own = this.#own[0]) {
      this.#own.shift()
      own.start(undefined)
    }
    const { places, reserved } = this.#init
    while (this.#running < places && this.#strangersRunning < places - reserved) {
      const name = this.#whoseTurn()
      const waiting = name === undefined ? undefined : this.#rows.get(name)?.[0]
      if (name === undefined || !waiting) return
      this.#forget(waiting)
      const rest = this.#rows.get(name)
      // Whoever had a turn comes last.
      this.#rows.delete(name)
      if (rest) this.#rows.set(name, rest)
      waiting.start(name)
    }
  }

  /** Of those that have the fewest places, the one that has waited longest for a turn. */
  #whoseTurn(): string | undefined {
    let [first, least]: [string | undefined, number] = [undefined, this.#init.placesPerAsker]
    for (const name of this.#rows.keys()) {
      const taken = this.#taken.get(name) ?? 0
      if (taken < least) [first, least] = [name, taken]
      if (least === 0) break
    }
    return first
  }

  #take(asker: string | undefined): () => void {
    this.#running++
    if (asker !== undefined) {
      this.#strangersRunning++
      this.#taken.set(asker, (this.#taken.get(asker) ?? 0) + 1)
    }
    return () => {
      this.#running--
      if (asker !== undefined) {
        this.#strangersRunning--
        const left = (this.#taken.get(asker) ?? 1) - 1
        if (left > 0) this.#taken.set(asker, left)
        else this.#taken.delete(asker)
      }
      this.#next()
    }
  }

  /** Takes it out of every row that it stands in. */
  #forget(waiting: Waiting): void {
    const at = this.#own.indexOf(waiting)
    if (at >= 0) this.#own.splice(at, 1)
    if (waiting.rows.size === 0) return
    this.#strangersWaiting--
    for (const name of [...waiting.rows]) this.#leaveRow(waiting, name)
  }

  #leaveRow(waiting: Waiting, name: string): void {
    waiting.rows.delete(name)
    const row = this.#rows.get(name)
    const at = row?.indexOf(waiting) ?? -1
    if (row && at >= 0) row.splice(at, 1)
    if (row?.length === 0) this.#rows.delete(name)
  }
}
