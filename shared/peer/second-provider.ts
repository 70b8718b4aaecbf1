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
  const { prefillTokens } = needs
  const paid = [first, second].filter(({ quote }) => isPaid(quote.quote))
  if (paid.length === 0) return true
  if (isPrepaid({ prefillTokens: tokens(prefillTokens) })) return false
  return mayFollow([first], second, needs)
}

/**
 * Whether another provider may be asked beside those that run and do not begin: not where the answer of any of them goes
 * beyond the limit of cost, together with the prompt and a first chunk that each of the others may still sign.
 */
export function mayFollow(
  running: readonly Assignment[],
  next: Assignment,
  { prefillTokens, outputTokens, spent, maxCost }: AnswerNeeds,
): boolean {
  if (maxCost === undefined || !isPaid(next.quote.quote)) return true
  const late = Math.min(CHUNK_TOKENS, outputTokens)
  const all = [...running, next].map(({ quote }) => {
    const { price } = quote.quote
    return { late: costOf(price, prefillTokens, late), whole: costOf(price, prefillTokens, outputTokens) }
  })
  const allLate = all.reduce((sum, each) => sum + each.late, 0n)
  return all.every((each) => spent + allLate - each.late + each.whole <= maxCost)
}
