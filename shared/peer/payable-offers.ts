import { InfernetError } from '../errors/infernet-error.ts'
import type { Quote } from '../prompt/prompt.ts'
import { paymentOf, type Offer } from '../schedule/offer.ts'
import { isPaid } from '../stream/credit.ts'
import type { Payer } from './payer.ts'

/**
 * The offers that can be paid from here, and why the first of the others cannot: nobody is dialled who would only ask
 * for money that is not there.
 */
export function payableOffers(
  offers: readonly Offer[],
  payer: Payer | undefined,
): { readonly payable: readonly Offer[]; readonly refusal: InfernetError | undefined } {
  const payable: Offer[] = []
  let refusal: InfernetError | undefined
  for (const offer of offers) {
    const reason = refusalOf(offer, payer)
    if (reason) refusal ??= reason
    else payable.push(offer)
  }
  return { payable, refusal }
}

/**
 * A quote may ask for less than its offer, but for no payment that the offer did not name.
 *
 * @throws InfernetError `payment.not-as-offered`
 */
export function expectAsOffered(quote: Quote, offer: Offer): void {
  if (!quote.payment || !isPaid(quote)) return
  const { chainId, escrow } = quote.payment
  const isAsOffered = offer.payment?.chainId === chainId && offer.payment.escrow === escrow
  if (!isAsOffered) throw new InfernetError('payment.not-as-offered')
}

function refusalOf(offer: Offer, payer: Payer | undefined): InfernetError | undefined {
  const payment = paymentOf(offer)
  if (!payment) return undefined
  if (!payer) return new InfernetError('payment.required')
  try {
    payer.checkOffer(payment)
    return undefined
  } catch (thrown) {
    return InfernetError.from(thrown, 'payment.wrong-chain')
  }
}
