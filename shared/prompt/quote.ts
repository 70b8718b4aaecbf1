import type * as v from 'valibot'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { PeerName } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode } from '../wire/codec.ts'
import { openSigned, type Signed } from '../wire/signed.ts'
import { QUOTE_LIFE_MS } from './constants.ts'
import { quoteSchema } from './messages.ts'
import type { Quote, QuotePayment } from './prompt.ts'

/** The body that is signed for a quote. */
export function quoteBody({ quoteId, model, price, payment, loadMs, ...rest }: Quote): unknown {
  return {
    ...rest,
    quoteId: fromHex(quoteId),
    model: fromHex(model),
    promptPerMillion: amountToBytes(price.promptPerMillion),
    outputPerMillion: amountToBytes(price.outputPerMillion),
    ...(loadMs === undefined ? {} : { loadMs }),
    ...(payment ? { payment: paymentBody(payment) } : {}),
  }
}

function paymentBody({ chainId, escrow, operator, relay, binding }: QuotePayment): unknown {
  return {
    chainId,
    escrow: fromHex(escrow.slice(2)),
    operator: fromHex(operator.slice(2)),
    relay: fromHex(relay.slice(2)),
    binding,
  }
}

/**
 * Reads a quote's body whose bytes are proved by other means.
 *
 * @throws InfernetError `wire.malformed`
 */
export function readQuote(body: Uint8Array): Quote {
  return quoteOf(decode(quoteSchema, body))
}

function quoteOf({ promptPerMillion, outputPerMillion, ...rest }: v.InferOutput<typeof quoteSchema>): Quote {
  return { ...rest, price: { promptPerMillion, outputPerMillion } }
}

/**
 * Verifies and reads a provider's quote for `consumer`.
 *
 * Whether it has run out is for the provider to say when it is redeemed: its clock may be wrong by minutes without
 * harm to anyone, since a quote is used within seconds of its arrival.
 *
 * @throws InfernetError `wire.bad-signature` or `wire.malformed`: also when made for someone else or for too long.
 */
export async function openQuote(
  signed: Signed,
  { provider, consumer }: { provider: PeerName; consumer: PeerName },
): Promise<Quote> {
  const quote = quoteOf(await openSigned('quote', quoteSchema, signed, provider))
  if (quote.consumer !== consumer) throw new InfernetError('wire.malformed', { field: 'consumer' })
  if (quote.expiresAt - quote.issuedAt > QUOTE_LIFE_MS)
    throw new InfernetError('wire.malformed', { field: 'expiresAt' })
  return quote
}
