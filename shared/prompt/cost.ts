import { baseUnits, type BaseUnits } from '../base/units.ts'
import type { Price } from './prompt.ts'

/** What an answer will cost, before it is asked for. */
export interface CostEstimate {
  /** For an answer of the usual length. */
  readonly likely: BaseUnits
  /** When the answer takes all the tokens that were allowed. */
  readonly atMost: BaseUnits
}

/** What reading and writing that many tokens costs. Exact: whole base units per token. */
export function costOf(price: Price, promptTokens: number, outputTokens: number): BaseUnits {
  return baseUnits(price.perPromptToken * BigInt(promptTokens) + price.perOutputToken * BigInt(outputTokens))
}

/**
 * The estimate to show before it runs. A failover adds what the next provider reads again, which nobody can know
 * before; the payer's own limit holds in any case.
 */
export function estimateCost(
  price: Price,
  { promptTokens, maxTokens, usualTokens }: { promptTokens: number; maxTokens: number; usualTokens: number },
): CostEstimate {
  return {
    likely: costOf(price, promptTokens, Math.min(usualTokens, maxTokens)),
    atMost: costOf(price, promptTokens, maxTokens),
  }
}
