import type { Hex } from 'viem'
import * as v from 'valibot'
import { ChangeEmitter } from '#shared/base/change-emitter.ts'
import type { Clock } from '#shared/base/clock.ts'
import { millis, type Millis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ChainNode } from './chain-node.ts'
import { HEAD_FRESH_MAX_MS, HEAD_FRESH_MIN_MS, HEAD_FRESH_SHARE } from './limits.ts'

/** The newest block that the relay has seen. */
export interface Head {
  readonly number: bigint
  readonly hash: Hex
  /** Of the block, in seconds since 1970. */
  readonly timestamp: number
}

const quantity = v.pipe(
  v.string(),
  v.regex(/^0x[0-9a-fA-F]{1,16}$/),
  v.transform((text) => BigInt(text)),
)
const headSchema = v.object({
  number: quantity,
  hash: v.pipe(
    v.string(),
    v.regex(/^0x[0-9a-f]{64}$/i),
    v.transform((hash) => hash as Hex),
  ),
  timestamp: v.pipe(quantity, v.transform(Number)),
})

/** Follows the chain's newest block, by asking: an endpoint's subscription dies in silence. */
export class ChainHead {
  readonly #node: Pick<ChainNode, 'request'>
  readonly #clock: Clock
  readonly #pollMs: Millis
  readonly #freshMs: number
  readonly #changes = new ChangeEmitter()
  #head: Head | undefined
  #seenAt: number = Number.NEGATIVE_INFINITY
  #asking: Promise<Head> | undefined
  #timer: { stop(): void } | undefined
  #isStopped = false

  constructor(
    { node, clock }: { node: Pick<ChainNode, 'request'>; clock: Clock },
    { blockSeconds }: { blockSeconds: number },
  ) {
    this.#node = node
    this.#clock = clock
    const blockMs = blockSeconds * 1000
    this.#pollMs = millis(Math.max(1000, blockMs))
    this.#freshMs = Math.min(HEAD_FRESH_MAX_MS, Math.max(HEAD_FRESH_MIN_MS, blockMs * HEAD_FRESH_SHARE))
  }

  /** The newest block that was seen, however old that is. */
  get last(): Head | undefined {
    return this.#head
  }

  /** Seconds since an endpoint last told the newest block; undefined before the first time. */
  get heardSecondsAgo(): number | undefined {
    return this.#head && Math.max(0, (this.#clock.monotonic() - this.#seenAt) / 1000)
  }

  /** Seconds since the newest block was made: grows when endpoints are silent, and when the chain stands still. */
  get ageSeconds(): number | undefined {
    return this.#head && Math.max(0, this.#clock.now() / 1000 - this.#head.timestamp)
  }

  start(): void {
    this.#poll()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
  }

  /** Calls back with each other block, also one that replaces the last at the same height. */
  onChange(callback: () => void): () => void {
    return this.#changes.listen(callback)
  }

  /** Makes the next question ask anew: a newer block must be there. */
  expire(): void {
    this.#seenAt = Number.NEGATIVE_INFINITY
  }

  /** The newest block, asked for when the last answer is not fresh. @throws InfernetError `chain.unavailable`. */
  async fresh(): Promise<Head> {
    if (this.#head && this.#clock.monotonic() - this.#seenAt < this.#freshMs) return this.#head
    return this.refresh()
  }

  /** Asks now; who asks meanwhile shares the answer. @throws InfernetError `chain.unavailable`. */
  refresh(): Promise<Head> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #ask(): Promise<Head> {
    const askedAt = this.#clock.monotonic()
    const answer = await this.#node.request('eth_getBlockByNumber', ['latest', false])
    const read = v.safeParse(headSchema, answer)
    if (!read.success) throw new InfernetError('chain.unavailable')
    const isOther = read.output.hash !== this.#head?.hash
    this.#head = read.output
    this.#seenAt = askedAt
    if (isOther) this.#changes.emit()
    return read.output
  }

  #poll(): void {
    if (this.#isStopped) return
    this.refresh()
      .catch(() => undefined) // the node says so in the log; the age tells everybody else
      .finally(() => {
        if (!this.#isStopped) this.#timer = this.#clock.schedule(this.#pollMs, () => this.#poll())
      })
  }
}
