import type { Clock } from '../base/clock.ts'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'

/** How many are tried at first, and at most while nobody has come. */
export interface LanesInit {
  readonly first: number
  readonly most: number
  /** So long nobody has come before one more is tried beside, in ms. */
  readonly eachMs: number
}

/** What came of one: what was wanted, `next` where another one is to be tried in its place, undefined where none is. */
export type Tried<T> = T | 'next' | undefined

/**
 * Tries candidates, some at once: a lane goes on to the next one where one is not there at all, and ends where one refuses.
 * While nobody has come, more lanes open one after the other, so that a few who never answer hold up nothing.
 */
export class Lanes<C, T> {
  readonly #init: LanesInit
  readonly #queue: C[]
  readonly #tryOne: (candidate: C) => Promise<Tried<T>>
  readonly #settled = new AbortController()
  #isOver = false

  /** @param tryOne never rejects */
  constructor(candidates: readonly C[], tryOne: (candidate: C) => Promise<Tried<T>>, init: LanesInit) {
    this.#init = init
    this.#queue = [...candidates]
    this.#tryOne = tryOne
  }

  /** What each lane came to; none rejects. */
  start(clock: Clock): Promise<T | undefined>[] {
    const { first, most, eachMs } = this.#init
    const atOnce = Array.from({ length: Math.min(first, this.#queue.length) }, () => this.#lane())
    const left = Math.min(most - first, this.#queue.length)
    const later = Array.from({ length: Math.max(0, left) }, async (_, index) => {
      const { signal } = this.#settled
      await sleep(clock, millis((index + 1) * eachMs), { signal }).catch(() => undefined)
      return signal.aborted ? undefined : this.#lane()
    })
    void Promise.all(atOnce).then(() => this.#settled.abort())
    return [...atOnce, ...later]
  }

  /** Tries nobody else; who is being tried goes on. */
  stop(): void {
    this.#isOver = true
    this.#settled.abort()
  }

  async #lane(): Promise<T | undefined> {
    for (;;) {
      const candidate = this.#isOver ? undefined : this.#queue.shift()
      if (candidate === undefined) {
        this.#settled.abort()
        return undefined
      }
      const tried = await this.#tryOne(candidate)
      if (tried === 'next') continue
      if (tried !== undefined) this.#settled.abort()
      return tried
    }
  }
}
