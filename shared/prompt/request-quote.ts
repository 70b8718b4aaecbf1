import type { Stream } from '@libp2p/interface'
import { fromHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis, SECOND_MS, type Millis } from '../base/units.ts'
import { errorFromPeer } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import type { Signed } from '../wire/signed.ts'
import { quoteReplySchema, type QuoteRequest } from './messages.ts'
import type { Quote } from './prompt.ts'
import { openQuote } from './quote.ts'

/** A quote with its exact bytes and the round trip it took to get it. */
export interface ReceivedQuote {
  readonly quote: Quote
  readonly signed: Signed
  readonly rttMs: Millis
  /** When it was asked for, by the asker's own clock: from then on it lives, at most. */
  readonly askedAt: Millis
}

/**
 * On its way to its provider a quote grows older by half a round trip, and by the opening of a stream on a path that may be
 * slow.
 */
const REDEEM_MS = SECOND_MS

/** Whether it can still be redeemed at `now`, a time of the asker's monotonic clock. The provider decides. */
export function isRedeemable(
  { quote, askedAt }: Pick<ReceivedQuote, 'quote' | 'askedAt'>,
  now: Millis,
): boolean {
  return now - askedAt < quote.expiresAt - quote.issuedAt - REDEEM_MS
}

/**
 * The consumer's side of the prompt protocol, over a stream to `provider` that was just opened.
 *
 * @throws InfernetError the provider's refusal by its code, `wire.malformed` when the quote is for another model,
 * or what {@link openQuote} and the stream throw.
 */
export async function requestQuote(
  stream: Stream,
  request: Omit<QuoteRequest, 'type'>,
  {
    clock,
    provider,
    consumer,
    signal,
  }: { clock: Clock; provider: PeerName; consumer: PeerName; signal?: AbortSignal | undefined },
): Promise<ReceivedQuote> {
  const frames = new FramedStream(stream, quoteReplySchema, clock)
  try {
    const sentAt = clock.monotonic()
    await frames.send({ ...request, type: 'quote', model: fromHex(request.model) }, { signal })
    const reply = await frames.receive({ signal })
    const rttMs = millis(clock.monotonic() - sentAt)
    if (reply.type === 'refused') throw errorFromPeer(reply.error)
    const quote = await openQuote(reply.quote, { provider, consumer })
    if (quote.model !== request.model) throw new InfernetError('wire.malformed', { field: 'model' })
    void frames.finish()
    return { quote, signed: reply.quote, rttMs, askedAt: sentAt }
  } catch (thrown) {
    frames.abort(thrown)
    throw thrown
  }
}
