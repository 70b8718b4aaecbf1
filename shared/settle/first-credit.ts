import type { Clock } from '../base/clock.ts'
import type { ChainAddress } from '../base/ids.ts'
import type { BaseUnits, Millis } from '../base/units.ts'
import { FIRST_CREDIT_DIVISOR, FULL_CREDIT_MS, MAX_DEBTORS } from './constants.ts'

export interface Standing {
  readonly payer: ChainAddress
  readonly epoch: number
  /** What the deposit holds by the chain, in base units. */
  readonly balance: BaseUnits
  /** What this provider was already paid out of it, in base units. */
  readonly claimed: BaseUnits
}

/**
 * How much of a payer's vouchers a provider lets stand unclaimed. No provider sees what a payer signs to others, so each
 * lends only a part of the deposit at first: one that K providers serve at once owes them K such parts, not K deposits. It
 * grows with what was claimed of the payer, and with the time that the deposit has stood here, in which others claim.
 */
export class FirstCredit {
  readonly #clock: Clock
  readonly #since = new Map<string, Millis>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** In base units. Asking for the first time begins the payer's time. */
  of({ payer, epoch, balance, claimed }: Standing): bigint {
    const aged = (balance * BigInt(Math.floor(this.#ageOf(`${payer}/${epoch}`)))) / BigInt(FULL_CREDIT_MS)
    const first = balance / FIRST_CREDIT_DIVISOR
    const lent = aged > first ? aged : first
    return (lent < balance ? lent : balance) + claimed
  }

  #ageOf(name: string): number {
    const now = this.#clock.monotonic()
    const since = this.#since.get(name) ?? now
    this.#since.delete(name)
    this.#since.set(name, since)
    for (const idlest of this.#since.keys()) {
      if (this.#since.size <= MAX_DEBTORS) break
      this.#since.delete(idlest)
    }
    return now - since
  }
}
