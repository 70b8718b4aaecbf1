import { baseUnits } from '../base/units.ts'
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
