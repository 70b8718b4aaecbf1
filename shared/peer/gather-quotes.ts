import type { PeerName } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { PROMPT_PROTOCOL } from '../prompt/constants.ts'
import { costOf } from '../prompt/cost.ts'
import type { Prompt, Quote } from '../prompt/prompt.ts'
import { requestQuote } from '../prompt/request-quote.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { QUOTED_CANDIDATES } from '../schedule/constants.ts'
import { drawCandidates } from '../schedule/policy/draw-candidates.ts'
import type { Offer } from '../schedule/offer.ts'
import { predict, utilityOf } from '../schedule/policy/score.ts'
import type { Trust } from '../schedule/policy/trust.ts'
import { isPaid } from '../stream/credit.ts'
import { connect, openStream, type ConnectComponents } from './connect.ts'
import { firstFew } from './first-few.ts'
import { expectAsOffered } from './payable-offers.ts'
import type { Payer } from './peer.ts'

export interface GatherComponents extends ConnectComponents {
  readonly name: PeerName
  readonly random: Random
  readonly trust: Trust
  /** Pays providers. @default those who ask for payment are of no use */
  readonly payer?: Payer | undefined
}

export interface GatherOptions {
  /** Tokens to be read before the first one is written. */
  readonly prefillTokens: number
  /** Tokens still to be written, at most. */
  readonly outputTokens: number
  /** What the answer has cost so far. */
  readonly spent: bigint
  readonly signal?: AbortSignal | undefined
  /** Called for each candidate that gave no quote, or one that its offer or the prompt does not allow. */
  readonly onFailure: (provider: PeerName, reason: InfernetError) => void
}

/**
 * Draws up to four candidates, asks each for a live signed quote, and orders the answers by what they are worth: none
 * when all failed.
 *
 * @throws InfernetError `prompt.price-too-high` when every offer is above the limit, or the signal's reason.
 */
export async function gatherQuotes(
  components: GatherComponents,
  offers: readonly Offer[],
  prompt: Prompt,
  options: GatherOptions,
): Promise<Assignment[]> {
  const { clock, random, trust } = components
  const affordable = offers.filter(({ price }) => isAffordable(prompt, price.outputPerMillion))
  if (affordable.length === 0) throw new InfernetError('prompt.price-too-high')
  const drawn = drawCandidates(affordable, QUOTED_CANDIDATES, { random, trust })
  const asked = drawn.map((offer) => assign(components, offer, prompt, options))
  const assignments = await firstFew(clock, asked, ({ quote }) => quote.quote.loadMs === undefined)
  options.signal?.throwIfAborted()
  return assignments.sort((a, b) => worth(b, trust) - worth(a, trust))
}

/** The candidate with its quote, or undefined when it is of no use. */
async function assign(
  components: GatherComponents,
  offer: Offer,
  prompt: Prompt,
  options: GatherOptions,
): Promise<Assignment | undefined> {
  const { clock, name } = components
  const { prefillTokens, signal, onFailure } = options
  const { provider } = offer
  const { maxTokens } = prompt
  try {
    const { connection, path } = await connect(components, provider, offer.addresses, { signal })
    const stream = await openStream(components, connection, PROMPT_PROTOCOL, { signal })
    const request = { model: prompt.model, promptTokens: prefillTokens, maxTokens }
    const quote = await requestQuote(stream, request, { clock, provider, consumer: name, signal })
    expectAsOffered(quote.quote, offer)
    await checkPrice(components, quote.quote, provider, prompt, options)
    const prediction = predict(quote.quote, { rttMs: quote.rttMs, prefillTokens, maxTokens })
    return { offer, quote, connection, path, prediction }
  } catch (thrown) {
    if (!signal?.aborted) onFailure(provider, InfernetError.from(thrown))
    return undefined
  }
}

/** Whether the quote is within the prompt's limits, and, where it asks for payment, fit to be paid under. */
async function checkPrice(
  { payer }: GatherComponents,
  quote: Quote,
  provider: PeerName,
  prompt: Prompt,
  { prefillTokens, outputTokens, spent }: GatherOptions,
): Promise<void> {
  const atMost = spent + costOf(quote.price, prefillTokens, outputTokens)
  const isTooMuch = prompt.maxCost !== undefined && atMost > prompt.maxCost
  if (isTooMuch || !isAffordable(prompt, quote.price.outputPerMillion))
    throw new InfernetError('prompt.price-too-high')
  if (!isPaid(quote)) return
  if (!payer) throw new InfernetError('payment.required')
  await payer.checkQuote(quote, provider, prefillTokens)
}

function isAffordable({ maxOutputPrice }: Prompt, price: bigint): boolean {
  return maxOutputPrice === undefined || price <= maxOutputPrice
}

function worth({ offer, prediction, quote }: Assignment, trust: Trust): number {
  const { provider } = offer
  return utilityOf(prediction, quote.quote, {
    slowness: trust.slownessOf(provider),
    trust: trust.trustIn(provider),
  })
}
