import { millis, type Millis } from '../base/units.ts'
import type { Quote } from '../prompt/prompt.ts'

/** The length an answer is reckoned with where nothing better is known, in tokens. */
export const EXPECTED_ANSWER_TOKENS = 128

export interface Prediction {
  /** To the first token. */
  readonly ttftMs: Millis
  /** To the last one. */
  readonly totalMs: Millis
}

/**
 * Time to the first token and to the end, from a live quote: round trip, queue, prefill at the quoted speed, then
 * decode (PROTOCOL part 4.4). A speed of zero counts as one token a second.
 */
export function predict(
  quote: Quote,
  { rttMs, prefillTokens, maxTokens }: { rttMs: Millis; prefillTokens: number; maxTokens: number },
): Prediction {
  const prefillMs = (prefillTokens / Math.max(1, quote.prefillTokensPerSecond)) * 1000
  const decodeMs =
    (Math.min(maxTokens, EXPECTED_ANSWER_TOKENS) / Math.max(1, quote.decodeTokensPerSecond)) * 1000
  const ttftMs = rttMs + quote.queueMs + prefillMs
  return { ttftMs: millis(ttftMs), totalMs: millis(ttftMs + decodeMs) }
}

/** Weights of the utility for a chat: a second of waiting for the first word is felt more than one of reading. */
const WEIGHT_TTFT = 2
const WEIGHT_TOTAL = 1
/** One step (a factor e) in price counts like this many seconds. */
const WEIGHT_PRICE = 0.5

/** What a quote is worth to a consumer who chats: higher is better. */
export function utilityOf(
  prediction: Prediction,
  quote: Quote,
  { slowness, trust }: { slowness: number; trust: number },
): number {
  const seconds = ((WEIGHT_TTFT * prediction.ttftMs + WEIGHT_TOTAL * prediction.totalMs) / 1000) * slowness
  return (
    -seconds -
    WEIGHT_PRICE * Math.log1p(Number(quote.price.outputPerMillion) / 1e6) +
    Math.log(Math.max(1e-6, trust))
  )
}
