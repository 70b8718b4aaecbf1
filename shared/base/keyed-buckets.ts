import type { Clock } from './clock.ts'
import { TokenBucket, type TokenBucketInit } from './token-bucket.ts'

/** A rate for each of many, such as peers, in bounded memory: full buckets are forgotten first, then the eldest. */
export class KeyedBuckets<Key> {
  readonly #clock: Clock
  readonly #init: TokenBucketInit
  readonly #max: number
  readonly #buckets = new Map<Key, TokenBucket>()

  constructor(clock: Clock, init: TokenBucketInit, max: number) {
    this.#clock = clock
    this.#init = init
    this.#max = max
  }

  /** How many are remembered. @internal */
  get size(): number {
    return this.#buckets.size
  }

  /** Takes one of the key's if it is there. */
  take(key: Key): boolean {
    const bucket = this.#buckets.get(key) ?? this.#begin(key)
    return bucket.take()
  }

  #begin(key: Key): TokenBucket {
    if (this.#buckets.size >= this.#max) this.#makeRoom()
    const bucket = new TokenBucket(this.#clock, this.#init)
    this.#buckets.set(key, bucket)
    return bucket
  }

  #makeRoom(): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull) this.#buckets.delete(key)
    for (const eldest of this.#buckets.keys()) {
      if (this.#buckets.size < this.#max) return
      this.#buckets.delete(eldest)
    }
  }
}
