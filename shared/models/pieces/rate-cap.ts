import type { Clock } from '../../base/clock.ts'
import { millis, SECOND_MS } from '../../base/units.ts'
import { sleep } from '../../base/wait.ts'

/** What was not used is saved for so long, and no waiter sleeps longer, so that a new rate is soon felt. */
const SAVED_MS = SECOND_MS / 4

/** A rate that the visitor sets, shared by all that draw on it, in the order in which they came. */
export class RateCap {
  readonly #clock: Clock
  #bytesPerSecond: number | undefined
  /** Bytes that may go now; below zero they were lent. */
  #level = 0
  #filledAt: number
  #queue: Promise<unknown> = Promise.resolve()

  /** @param bytesPerSecond undefined for no cap; 0 stops all, and so does what is no rate */
  constructor(clock: Clock, bytesPerSecond?: number) {
    this.#clock = clock
    this.#filledAt = clock.monotonic()
    this.#bytesPerSecond = rateOf(bytesPerSecond)
  }

  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond
  }

  set(bytesPerSecond: number | undefined): void {
    this.#fill()
    this.#bytesPerSecond = rateOf(bytesPerSecond)
  }

  /** Waits until `bytes` may go. @throws the signal's reason */
  async take(bytes: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#bytesPerSecond === undefined) return
    const turn = this.#queue.then(() => this.#wait(bytes, signal))
    this.#queue = turn.catch(() => undefined)
    await turn
  }

  /** Counts bytes that came without a wait; below zero, those that were waited for and did not come. */
  settle(bytes: number): void {
    if (this.#bytesPerSecond === undefined) return
    this.#level -= bytes
    this.#fill()
  }

  async #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      this.#fill()
      const rate = this.#bytesPerSecond
      if (rate === undefined) return
      if (rate > 0 && this.#level >= 0) break
      const needMs = rate > 0 ? (-this.#level / rate) * SECOND_MS : SAVED_MS
      await sleep(this.#clock, millis(Math.max(1, Math.min(SAVED_MS, needMs))), { signal })
    }
    this.#level -= bytes
  }

  #fill(): void {
    const now = this.#clock.monotonic()
    const rate = this.#bytesPerSecond ?? 0
    const saved = (rate * SAVED_MS) / SECOND_MS
    this.#level = Math.min(saved, this.#level + (rate * (now - this.#filledAt)) / SECOND_MS)
    this.#filledAt = now
  }
}

/** A sum with what is no number would be none for ever. What is unclear lets nothing out. */
function rateOf(bytesPerSecond: number | undefined): number | undefined {
  if (bytesPerSecond === undefined || bytesPerSecond === Infinity) return undefined
  return bytesPerSecond > 0 ? bytesPerSecond : 0
}
