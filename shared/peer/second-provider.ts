import { tokens } from '../base/units.ts'
import { costOf } from '../prompt/cost.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { CHUNK_TOKENS } from '../stream/constants.ts'
import { isPaid, isPrepaid } from '../stream/credit.ts'

/** What an answer still needs, and what it may still cost. */
export interface AnswerNeeds {
  readonly prefillTokens: number
  readonly outputTokens: number
  readonly spent: bigint
  readonly maxCost: bigint | undefined
}

/**
 * Whether a second provider may be asked for the same answer without making it dearer: not where a prompt is paid before it
 * is read, which would be paid twice, nor where a first chunk that the slower one may still sign goes beyond the limit.
 */
export function mayBeSecond(first: Assignment, second: Assignment, needs: AnswerNeeds): boolean {
  const { prefillTokens, outputTokens, spent, maxCost } = needs
  const paid = [first, second].filter(({ quote }) => isPaid(quote.quote))
  if (paid.length === 0) return true
  if (isPrepaid({ prefillTokens: tokens(prefillTokens) })) return false
  if (maxCost === undefined) return true
  const late = Math.min(CHUNK_TOKENS, outputTokens)
  const [one, other] = [first, second].map(({ quote }) => quote.quote.price)
  if (!one || !other) return false
  const ways = [
    costOf(one, prefillTokens, outputTokens) + costOf(other, prefillTokens, late),
    costOf(other, prefillTokens, outputTokens) + costOf(one, prefillTokens, late),
  ]
  return ways.every((cost) => spent + cost <= maxCost)
}
