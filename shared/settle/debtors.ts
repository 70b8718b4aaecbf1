import type { Clock } from '../base/clock.ts'
import type { ChainAddress } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { DEBT_MEMORY_MS, MAX_DEBTORS, MAX_DEBTS } from './constants.ts'

/** Who left chunks unpaid lately. A broken connection does that to an honest payer, too, so some are forgiven. */
export class Debtors {
  readonly #clock: Clock
  readonly #debts = new Map<ChainAddress, number[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(payer: ChainAddress): void {
    const recent = this.#recent(payer)
    this.#debts.delete(payer)
    this.#debts.set(payer, [...recent, this.#clock.monotonic()].slice(-MAX_DEBTS))
    for (const eldest of this.#debts.keys()) {
      if (this.#debts.size <= MAX_DEBTORS) return
      this.#debts.delete(eldest)
    }
  }

  /** @throws InfernetError `payment.debts` */
  refuse(payer: ChainAddress): void {
    if (this.#recent(payer).length >= MAX_DEBTS) throw new InfernetError('payment.debts')
  }

  #recent(payer: ChainAddress): readonly number[] {
    const since = this.#clock.monotonic() - DEBT_MEMORY_MS
    return (this.#debts.get(payer) ?? []).filter((at) => at > since)
  }
}
