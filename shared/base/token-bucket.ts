import type { Clock } from './clock.ts'

export interface TokenBucketInit {
  /** How many may come at once. */
  readonly burst: number
  /** How many come back each second. */
  readonly perSecond: number
}

/** A rate limit that allows bursts: `take` answers whether one more is within it. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #init: TokenBucketInit
  #level: number
  #filledAt: number

  constructor(clock: Clock, init: TokenBucketInit) {
    this.#clock = clock
    this.#init = init
    this.#level = init.burst
    this.#filledAt = clock.monotonic()
  }

  /** Takes `cost` if that much is there. */
  take(cost = 1): boolean {
    const now = this.#clock.monotonic()
    this.#level = Math.min(
      this.#init.burst,
      this.#level + ((now - this.#filledAt) / 1000) * this.#init.perSecond,
    )
    this.#filledAt = now
    if (this.#level < cost) return false
    this.#level -= cost
    return true
  }

  /** What was taken did not come about. */
  giveBack(cost = 1): void {
    this.#level += cost
  }

  /** True when nothing was taken lately: the bucket can be forgotten. */
  get isFull(): boolean {
    const idleSeconds = (this.#clock.monotonic() - this.#filledAt) / 1000
    return this.#level + idleSeconds * this.#init.perSecond >= this.#init.burst
  }
}
