import { baseUnits } from '../base/units.ts'
import { costOf } from './cost.ts'
import type { Price } from './prompt.ts'

/** 10^18 base units are one INF. */
const BASE_UNITS_PER_INF = 10n ** 18n
const MILLION = 1_000_000n

/**
 * What a provider asks until the market sets prices: 0.2 INF for a million written tokens, a tenth of that for a
 * million read ones, the ratio that prefill and decode cost at (PROTOCOL part 5 gives 8 to 20).
 */
export const LIST_PRICE: Price = {
  perPromptToken: baseUnits(BASE_UNITS_PER_INF / 50n / MILLION),
  perOutputToken: baseUnits(BASE_UNITS_PER_INF / 5n / MILLION),
}

/** What a provider asks that nobody can pay: one without a chain, or without an account on it. */
export const FREE_PRICE: Price = { perPromptToken: baseUnits(0n), perOutputToken: baseUnits(0n) }

/** True when neither reading nor writing costs anything. */
export function isFree(price: Price): boolean {
  return costOf(price, 1_000_000, 1_000_000) === 0n
}
