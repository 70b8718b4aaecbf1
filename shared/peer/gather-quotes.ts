import type { ModelHash, PeerName } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { PROMPT_PROTOCOL } from '../prompt/constants.ts'
import { costOf } from '../prompt/cost.ts'
import type { Price, Quote } from '../prompt/prompt.ts'
import { requestQuote } from '../prompt/request-quote.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { QUOTED_CANDIDATES } from '../schedule/constants.ts'
import { drawCandidates } from '../schedule/policy/draw-candidates.ts'
import type { Offer } from '../schedule/offer.ts'
import { credible, predict, trustOf, utilityOf } from '../schedule/policy/score.ts'
import type { TaskRecord } from '../schedule/record/provider-record.ts'
import { isPaid } from '../stream/credit.ts'
import { connect, openStream, type ConnectComponents } from './connect.ts'
import { firstFew } from './first-few.ts'
import { Lanes, type Tried } from './lanes.ts'
import { expectAsOffered } from './payable-offers.ts'
import type { Payer } from './payer.ts'
import type { RecentPeers } from './recent-peers.ts'

/**
 * Quotes are asked of four at once. Who is not there fails at once as a rule and is replaced; for those who let a dial hang,
 * up to 14 s each, one more is tried each half second, which is longer than a dial takes, and three times four at most.
 */
const LANES = { first: QUOTED_CANDIDATES, most: 3 * QUOTED_CANDIDATES, eachMs: 500 } as const

/** How those answer who announced an offer and do not provide: nobody would find that out with each question anew. */
const PROVIDES_NOT: ReadonlySet<ErrorCode> = new Set(['wire.other-version', 'wire.timeout', 'wire.malformed'])

/** Of one look: four answers of relays in full. Whoever is left then is drawn at the next look. */
const MOST_DIALLED = 128

export interface GatherComponents extends ConnectComponents {
  readonly name: PeerName
  readonly random: Random
  /** What is known of providers. */
  readonly record: TaskRecord
  /** To whom no path came up lately, and who was reached and did not provide. */
  readonly unreachable: RecentPeers
  /** Pays providers. @default those who ask for payment are of no use */
  readonly payer?: Payer | undefined
}

/** What a provider is asked a quote for, and within which limits. */
export interface QuoteNeeds {
  readonly model: ModelHash
  /** Tokens to be read before the first one is written; of texts, all of them. */
  readonly prefillTokens: number
  /** Tokens still to be written, at most; none of texts. */
  readonly outputTokens: number
  /** What the quote is asked for, and time is reckoned with: the whole answer. At least one. */
  readonly maxTokens: number
  /** What it has cost so far. */
  readonly spent: bigint
  /** The highest price of a million tokens that is accepted; `undefined` takes any. */
  readonly maxPrice: { readonly prompt?: bigint | undefined; readonly output?: bigint | undefined }
  /** The most that the whole may cost. @default only the payer's own limit */
  readonly maxCost: bigint | undefined
}

export interface GatherOptions {
  readonly signal?: AbortSignal | undefined
  /** Which relays named an offer: each has its turn when candidates are drawn. */
  readonly namedBy?: ((offer: Offer) => readonly PeerName[]) | undefined
  /** Called for each candidate that gave no quote, or one that its offer or the prompt does not allow. */
  readonly onFailure: (provider: PeerName, reason: InfernetError) => void
}

/**
 * Draws up to four candidates, asks each for a live signed quote, and orders the answers by what they are worth: none
 * when all failed. To whom there is no path, or who does not speak the protocol, does not count as one of the four: the
 * next one drawn takes its place.
 *
 * @throws InfernetError `prompt.price-too-high` when every offer is above the limit, or the signal's reason.
 */
export async function gatherQuotes(
  components: GatherComponents,
  offers: readonly Offer[],
  needs: QuoteNeeds,
  options: GatherOptions,
): Promise<Assignment[]> {
  const { clock, random, record } = components
  const { namedBy, signal } = options
  const affordable = offers.filter(({ price }) => isAffordable(needs, price))
  if (affordable.length === 0) throw new InfernetError('prompt.price-too-high')
  const drawn = drawCandidates(affordable, MOST_DIALLED, { random, trust: record, namedBy })
  const lanes = new Lanes<Offer, Assignment>(
    drawn,
    (offer) => assign(components, offer, needs, options),
    LANES,
  )
  const assignments = await firstFew(
    clock,
    lanes.start(clock),
    ({ quote }) => quote.quote.loadMs === undefined,
  )
  lanes.stop()
  signal?.throwIfAborted()
  return assignments.sort((a, b) => worth(b, record, needs) - worth(a, record, needs))
}

/** The candidate with its quote, `next` when nobody is there who quotes, or undefined when it is of no use. */
async function assign(
  components: GatherComponents,
  offer: Offer,
  needs: QuoteNeeds,
  options: GatherOptions,
): Promise<Tried<Assignment>> {
  const { clock, name, unreachable } = components
  const { signal, onFailure } = options
  const { provider } = offer
  const { model, maxTokens, prefillTokens } = needs
  let isReached = false
  try {
    const { connection, path } = await connect(components, provider, offer.addresses, { signal })
    isReached = true
    unreachable.delete(provider)
    const stream = await openStream(components, connection, PROMPT_PROTOCOL, { signal })
    const request = { model, promptTokens: prefillTokens, maxTokens }
    const quote = await requestQuote(stream, request, { clock, provider, consumer: name, signal })
    expectAsOffered(quote.quote, offer)
    await checkPrice(components, quote.quote, provider, needs)
    const prediction = predict(quote.quote, { rttMs: quote.rttMs, prefillTokens, maxTokens })
    return { offer, quote, connection, path, prediction }
  } catch (thrown) {
    if (signal?.aborted) return undefined
    const reason = InfernetError.from(thrown)
    if (!isReached || PROVIDES_NOT.has(reason.code)) unreachable.add(provider)
    onFailure(provider, reason)
    return isReached && reason.code !== 'wire.other-version' ? undefined : 'next'
  }
}

/** Whether the quote is within the limits, and, where it asks for payment, fit to be paid under. */
async function checkPrice(
  { payer }: GatherComponents,
  quote: Quote,
  provider: PeerName,
  needs: QuoteNeeds,
): Promise<void> {
  const { prefillTokens, outputTokens, spent, maxCost } = needs
  const atMost = spent + costOf(quote.price, prefillTokens, outputTokens)
  const isTooMuch = maxCost !== undefined && atMost > maxCost
  if (isTooMuch || !isAffordable(needs, quote.price)) throw new InfernetError('prompt.price-too-high')
  if (!isPaid(quote)) return
  if (!payer) throw new InfernetError('payment.required')
  await payer.checkQuote(quote, provider, prefillTokens)
}

function isAffordable({ maxPrice }: QuoteNeeds, { promptPerMillion, outputPerMillion }: Price): boolean {
  const { prompt = promptPerMillion, output = outputPerMillion } = maxPrice
  return promptPerMillion <= prompt && outputPerMillion <= output
}

function worth(
  { offer, prediction, quote }: Assignment,
  record: TaskRecord,
  { maxTokens }: QuoteNeeds,
): number {
  const { provider } = offer
  const { decodeTokensPerSecond } = quote.quote
  const seen = record.speedSeenOf(provider)
  const beliefs = record.beliefsIn(provider)
  const { presence } = beliefs
  return utilityOf(credible(prediction, { decodeTokensPerSecond, seen, presence, maxTokens }), quote.quote, {
    slowness: record.slownessOf(provider),
    trust: trustOf(beliefs),
  })
}
