import type { Clock } from '#shared/base/clock.ts'
import { baseUnits, MINUTE_MS, type BaseUnits } from '#shared/base/units.ts'

const HOUR_MS = 60 * MINUTE_MS

/** Money that was set aside for one job. */
export interface SetAside {
  /** The most that the job may come to. */
  readonly amount: BaseUnits
  /** Tells what it came to; without this, all that was set aside counts as spent. */
  used(amount: bigint): void
}

interface Spending {
  readonly at: number
  amount: bigint
}

/** Bounds what is spent within any hour: what a job may come to counts as spent until it is known what it came to. */
export class SpendBudget {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #perHour: bigint
  #spendings: Spending[] = []

  constructor(clock: Pick<Clock, 'monotonic'>, perHour: bigint) {
    this.#clock = clock
    this.#perHour = perHour
  }

  /** What may be spent now, in base units. */
  get left(): bigint {
    const since = this.#clock.monotonic() - HOUR_MS
    this.#spendings = this.#spendings.filter(({ at, amount }) => at > since && amount > 0n)
    const left = this.#spendings.reduce((sum, { amount }) => sum - amount, this.#perHour)
    return left > 0n ? left : 0n
  }

  /** Sets aside what is left, `most` at most; undefined where nothing is left. */
  take(most: bigint): SetAside | undefined {
    const { left } = this
    const amount = left < most ? left : most
    if (amount <= 0n) return undefined
    const spending: Spending = { at: this.#clock.monotonic(), amount }
    this.#spendings.push(spending)
    const used = (spent: bigint): void => void (spending.amount = spent < amount ? spent : amount)
    return { amount: baseUnits(amount), used }
  }
}
