import type { Clock } from '#shared/base/clock.ts'
import { TokenBucket, type TokenBucketInit } from '#shared/base/token-bucket.ts'
import { millis } from '#shared/base/units.ts'
import { Crowd } from '../base/crowd.ts'

export interface TurnsInit {
  /** How many begin. */
  readonly rate: TokenBucketInit
  /** How many may wait; beyond it the address with most loses its newest. */
  readonly max: number
  /** How often those who wait are looked at. */
  readonly lookMs: number
}

interface Waiting {
  readonly begin: () => void
  readonly lose: () => void
}

/**
 * Paces work that costs the relay something before it knows for whom: beyond the rate it waits, and whose address block
 * and address wait for least goes first.
 */
export class Turns {
  readonly #clock: Clock
  readonly #init: TurnsInit
  readonly #bucket: TokenBucket
  readonly #crowd = new Crowd<Waiting>()
  #next: { stop(): void } | undefined

  constructor(clock: Clock, init: TurnsInit) {
    this.#clock = clock
    this.#init = init
    this.#bucket = new TokenBucket(clock, init.rate)
  }

  get waiting(): number {
    return this.#crowd.size
  }

  /** Calls `begin` at once or when its turn has come, or `lose` when others need its place. Answers what gives the turn up. */
  wait(group: string, begin: () => void, lose: () => void): () => void {
    if (this.#crowd.size === 0 && this.#bucket.take()) {
      begin()
      return () => undefined
    }
    const waiting: Waiting = { begin, lose }
    this.#crowd.add(waiting, group)
    if (this.#crowd.size > this.#init.max) {
      const loser = this.#crowd.giveWayTo(waiting) ?? waiting
      this.#crowd.remove(loser)
      loser.lose()
    }
    this.#look()
    return () => this.#crowd.remove(waiting)
  }

  stop(): void {
    this.#next?.stop()
  }

  #look(): void {
    this.#next ??= this.#clock.schedule(millis(this.#init.lookMs), () => {
      this.#next = undefined
      while (this.#crowd.size > 0 && this.#bucket.take()) {
        const next = this.#crowd.mostModest()
        if (!next) break
        this.#crowd.remove(next)
        next.begin()
      }
      if (this.#crowd.size > 0) this.#look()
    })
  }
}
