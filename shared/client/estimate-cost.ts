import { baseUnits, type BaseUnits } from '../base/units.ts'
import { costOf } from '../prompt/cost.ts'
import type { Price } from '../prompt/prompt.ts'

/** What an answer will cost, before it is asked for. */
export interface CostEstimate {
  /** For an answer of the usual length. */
  readonly likely: BaseUnits
  /** When the answer takes all the tokens that were allowed. */
  readonly atMost: BaseUnits
}

/** How long a prompt and its answer are, and how long such an answer usually is; all in tokens. */
export interface AnswerLengths {
  readonly promptTokens: number
  readonly maxTokens: number
  readonly usualTokens: number
}

/**
 * The estimate to show before it runs, by the dearest of these prices; undefined where there is none. A failover adds
 * what the next provider reads again, which nobody can know before; the payer's own limit holds in any case.
 */
export function estimateCost(
  prices: readonly Price[],
  { promptTokens, maxTokens, usualTokens }: AnswerLengths,
): CostEstimate | undefined {
  const dearest = (outputTokens: number): BaseUnits | undefined =>
    prices
      .map((price) => costOf(price, promptTokens, outputTokens))
      .reduce<BaseUnits | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined)
  const likely = dearest(Math.min(usualTokens, maxTokens))
  const atMost = dearest(maxTokens)
  return likely === undefined || atMost === undefined ? undefined : { likely, atMost }
}

/**
 * The estimate where two providers read the prompt and write the answer: by the two dearest prices, or twice the only one
 * that is known.
 */
export function estimateRedundantCost(
  prices: readonly Price[],
  lengths: AnswerLengths,
): CostEstimate | undefined {
  const each = prices.map((price) => estimateCost([price], lengths)).filter((cost) => cost !== undefined)
  const ofTwo = (kind: keyof CostEstimate): BaseUnits => {
    const [first = 0n, second = first] = each
      .map((cost) => cost[kind])
      .sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
    return baseUnits(first + second)
  }
  return each.length === 0 ? undefined : { likely: ofTwo('likely'), atMost: ofTwo('atMost') }
}
