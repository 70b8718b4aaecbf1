import type { Clock } from '#shared/base/clock.ts'
import { MINUTE_MS } from '#shared/base/units.ts'
import { parseAmount } from '../money/parse-amount.ts'
import type { SettingsStore } from '../session/services.ts'
import type { Settings } from '../session/settings.svelte.ts'

const INF_DECIMALS = 18
/** Of a day, where the visitor named no other: a thousand checks at list price. */
export const USUAL_BUDGET = '0.01'
/** Of a day, whatever they cost: a page that asks by itself must not fill a verifier's day. */
export const MAX_CHECKS_A_DAY = 200
const LEDGER = 'check.ledger'
const DAY_MS = 24 * 60 * MINUTE_MS

/** What checks without a press have cost today. */
interface Ledger {
  readonly day: number
  readonly checks: number
  readonly spent: bigint
}

export interface CheckShareComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly settings: Settings
  readonly store: SettingsStore
  /** [0, 1) */
  readonly chance: () => number
}

/** Which answers are checked without a press, and what that may still cost today. */
export class CheckShare {
  readonly #components: CheckShareComponents

  constructor(components: CheckShareComponents) {
    this.#components = components
  }

  /** Whether the visitor lets answers be checked without a press. */
  get isOn(): boolean {
    return this.#components.settings.checkPercent.value > 0
  }

  /** Draws whether the answer that has just ended is one of the share. */
  draws(): boolean {
    const { settings, chance } = this.#components
    return this.checksLeft > 0 && chance() * 100 < settings.checkPercent.value
  }

  /** The most that one day may cost, in base units; what is not a number counts as the usual. */
  get budget(): bigint {
    const typed = this.#components.settings.checkBudget.value
    return (
      (typed === undefined ? undefined : parseAmount(typed, INF_DECIMALS)) ??
      parseAmount(USUAL_BUDGET, INF_DECIMALS) ??
      0n
    )
  }

  /** What is left of it today. */
  get left(): bigint {
    const left = this.budget - this.#ledger.spent
    return left > 0n ? left : 0n
  }

  get checksLeft(): number {
    return Math.max(0, MAX_CHECKS_A_DAY - this.#ledger.checks)
  }

  /** Puts a check on today's account: as soon as it begins with the most that it may cost, and again with the difference. */
  book(cost: bigint, checks = 1): void {
    const { day, checks: before, spent } = this.#ledger
    const sum = spent + cost
    this.#components.store.set(LEDGER, [day, before + checks, sum > 0n ? sum : 0n].join(' '))
  }

  get #ledger(): Ledger {
    const { clock, store } = this.#components
    const today = Math.floor(clock.now() / DAY_MS)
    const [day, checks, spent] =
      /^(\d{1,9}) (\d{1,9}) (\d{1,40})$/.exec(store.get(LEDGER) ?? '')?.slice(1) ?? []
    return Number(day) === today
      ? { day: today, checks: Number(checks), spent: BigInt(spent ?? 0) }
      : { day: today, checks: 0, spent: 0n }
  }
}
