import type { Clock } from '#shared/base/clock.ts'
import { TokenBucket, type TokenBucketInit } from '#shared/base/token-bucket.ts'
import { MAX_TRACKED_ADDRESSES } from '../base/limits.ts'

export interface AddressLimiterInit {
  /** New ones from one address. */
  readonly rate: TokenBucketInit
  /** At once from one address. */
  readonly parallel: number
  /** At once from everybody. @default Infinity */
  readonly total?: number
  /** @default MAX_TRACKED_ADDRESSES */
  readonly maxTracked?: number
}

/** Why a client is turned away. The words are the labels of the metric. */
export type Refusal = 'address-rate' | 'address-parallel' | 'total' | 'table-full'

interface Entry {
  readonly bucket: TokenBucket
  open: number
}

/**
 * Counts and paces what each address does, in a table of bounded size.
 *
 * `enter` answers a function that must be called once when it is over, or the reason of the refusal.
 */
export class AddressLimiter {
  readonly #clock: Clock
  readonly #init: Required<AddressLimiterInit>
  readonly #entries = new Map<string, Entry>()
  #open = 0

  constructor(clock: Clock, init: AddressLimiterInit) {
    this.#clock = clock
    this.#init = { total: Number.POSITIVE_INFINITY, maxTracked: MAX_TRACKED_ADDRESSES, ...init }
  }

  /** Of all addresses, now. */
  get open(): number {
    return this.#open
  }

  /** Addresses that are remembered. */
  get tracked(): number {
    return this.#entries.size
  }

  /**
   * @param cost what it takes of the rate; more than the burst never passes
   * @param makeRoom where only the total is in the way: true when somebody has left for this one
   */
  enter(address: string, cost = 1, makeRoom: () => boolean = () => false): (() => void) | Refusal {
    const entry = this.#entryOf(address)
    if (!entry) return 'table-full'
    if (entry.open >= this.#init.parallel) return 'address-parallel'
    if (!entry.bucket.take(cost)) return 'address-rate'
    if (this.#open >= this.#init.total && !makeRoom()) return 'total'
    entry.open++
    this.#open++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      entry.open--
      this.#open--
    }
  }

  /** Entries move to the end when used, so the head is the longest idle and the sweep stays short. */
  #entryOf(address: string): Entry | undefined {
    const entry = this.#entries.get(address) ?? {
      bucket: new TokenBucket(this.#clock, this.#init.rate),
      open: 0,
    }
    this.#entries.delete(address)
    if (this.#entries.size >= this.#init.maxTracked) this.#forgetIdle()
    if (this.#entries.size >= this.#init.maxTracked) return undefined
    this.#entries.set(address, entry)
    return entry
  }

  #forgetIdle(): void {
    let looked = 0
    for (const [address, { open, bucket }] of this.#entries) {
      if (open === 0 && bucket.isFull) this.#entries.delete(address)
      if (++looked >= 64) return
    }
  }
}
