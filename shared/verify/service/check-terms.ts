import type { PeerName } from '../../base/ids.ts'
import { baseUnits, tokens, type BaseUnits, type Tokens } from '../../base/units.ts'
import { costOf } from '../../prompt/cost.ts'
import type { Price, Quote } from '../../prompt/prompt.ts'
import { isPaid, type CreditTerms } from '../../stream/credit.ts'
import type { Question } from '../../stream/question.ts'

/** Tokens that are read to check an answer: all of it, but for the last token, after which nothing is of interest. */
export function tokensRead(
  { promptTokens, priorTokens }: Pick<Question, 'promptTokens' | 'priorTokens'>,
  written: number,
): Tokens {
  return tokens(Math.max(1, promptTokens.length + priorTokens.length + written - 1))
}

/** What a check costs under a quote: the price of reading, for each token that is read. Nothing where nobody is paid. */
export function costOfCheck(quote: Quote, read: Tokens): BaseUnits {
  return isPaid(quote) ? priceOfReading(quote.price, read) : baseUnits(0n)
}

/** What that much reading costs at this price. */
function priceOfReading(price: Price, read: Tokens): BaseUnits {
  return costOf(price, read, 0)
}

/**
 * How a check is paid, as both sides work it out: like a job that reads so much and writes nothing, and is paid for before.
 * It is named after its quote, which is used once.
 */
export function checkTermsOf(
  quote: Quote,
  { consumer, read }: { consumer: PeerName; read: Tokens },
): CreditTerms {
  const { quoteId: jobId, price } = quote
  return { jobId, consumer, quote, price, prefillTokens: read, from: 0, maxTokens: 0, prepaid: true }
}
