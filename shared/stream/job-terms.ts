import type { JobId, PeerName } from '../base/ids.ts'
import { baseUnits, tokens } from '../base/units.ts'
import { ENCODING } from '../models/task.ts'
import type { Price, Quote } from '../prompt/prompt.ts'
import { blocksOf } from './blocks.ts'
import type { CreditTerms } from './credit.ts'
import { tokensOf, type EmbedQuestion } from './embed-question.ts'
import type { Question } from './question.ts'

/**
 * What a job is paid by, as both sides work it out from its question.
 *
 * A job of vectors is paid by the token that is read, block by block. To whoever counts money it looks like one that
 * writes: nothing is read before, and what is read is "written", at the price of reading.
 */
export function creditTermsOf(
  question: Question | EmbedQuestion,
  { jobId, consumer, quote }: { jobId: JobId; consumer: PeerName; quote: Quote },
): CreditTerms {
  const who = { jobId, consumer, quote }
  if (question.task === ENCODING) {
    const { texts, dimensions } = question
    return {
      ...{ ...who, price: readingPrice(quote.price), prefillTokens: tokens(0), from: 0 },
      maxTokens: tokensOf(texts),
      chunkTokens: tokensOf(blocksOf(texts, dimensions)[0]?.texts ?? []),
    }
  }
  const { promptTokens, priorTokens, maxTokens } = question
  return {
    ...{ ...who, price: quote.price, from: priorTokens.length, maxTokens },
    prefillTokens: tokens(promptTokens.length + priorTokens.length),
  }
}

function readingPrice({ promptPerMillion }: Price): Price {
  return { promptPerMillion: baseUnits(0n), outputPerMillion: promptPerMillion }
}
