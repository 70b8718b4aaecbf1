import type { BaseUnits } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Offer } from '../../schedule/offer.ts'
import { chunkSchema } from '../../stream/messages.ts'
import { decodeQuestion } from '../../stream/question.ts'
import type { Transcript } from '../../stream/transcript.ts'
import { decode } from '../../wire/codec.ts'
import { priceOfReading, tokensRead } from './check-terms.ts'

/** What a check costs: at the cheapest and at the dearest of those who could do it, in base units. */
export interface CheckEstimate {
  readonly least: BaseUnits
  readonly most: BaseUnits
}

/**
 * The estimate to show before a check is asked for; undefined where nobody else offers the model. It believes the
 * transcript, which is verified when it is checked.
 *
 * @param offers of the model; the provider's own does not count
 * @internal The page shows it before it asks.
 *
 * @throws InfernetError `verify.bad-request` for a transcript that keeps its question back; `wire.malformed`
 */
export function estimateCheck(
  { provider, shown: { question }, chunks }: Transcript,
  offers: readonly Offer[],
): CheckEstimate | undefined {
  if (!question) throw new InfernetError('verify.bad-request', { reason: 'question' })
  const written = chunks.reduce((sum, { body }) => sum + decode(chunkSchema, body).tokens.length, 0)
  const read = tokensRead(decodeQuestion(question), written)
  const costs = offers
    .filter((offer) => offer.provider !== provider && offer.contextLength > read)
    .map(({ price }) => priceOfReading(price, read))
  const [first] = costs
  if (first === undefined) return undefined
  return {
    least: costs.reduce((best, cost) => (cost < best ? cost : best), first),
    most: costs.reduce((best, cost) => (cost > best ? cost : best), first),
  }
}
