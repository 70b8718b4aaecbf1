import { baseUnits, type BaseUnits } from '../base/units.ts'
import type { Price } from './prompt.ts'

/** What an answer will cost, before it is asked for. */
export interface CostEstimate {
  /** For an answer of the usual length. */
  readonly likely: BaseUnits
  /** When the answer takes all the tokens that were allowed. */
  readonly atMost: BaseUnits
}

const MILLION = 1_000_000n

/**
 * What reading and writing that many tokens costs, rounded up once, at the end: against the payer, by less than a base
 * unit. The cost of parts is therefore never below that of the whole.
 */
export function costOf(price: Price, promptTokens: number, outputTokens: number): BaseUnits {
  const millionths =
    price.promptPerMillion * BigInt(promptTokens) + price.outputPerMillion * BigInt(outputTokens)
  return baseUnits((millionths + MILLION - 1n) / MILLION)
}

/**
 * The estimate to show before it runs. A failover adds what the next provider reads again, which nobody can know
 * before; the payer's own limit holds in any case.
 *
 * @internal For clients of text; the page still estimates from its tokens by itself.
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
