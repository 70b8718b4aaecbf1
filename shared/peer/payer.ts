import type { PeerName } from '../base/ids.ts'
import type { Quote } from '../prompt/prompt.ts'
import type { OfferPayment } from '../schedule/offer.ts'
import type { CreditSource } from '../stream/credit.ts'

/** Who pays for what this peer asks: `settle/payer-credit.ts`. */
export interface Payer extends CreditSource {
  /** @throws InfernetError `payment.wrong-chain` for an offer that cannot be paid from here */
  checkOffer(payment: OfferPayment): void
  /** @throws InfernetError `payment.*` for a quote that must not be paid under */
  checkQuote(quote: Quote, provider: PeerName, prefillTokens: number): Promise<void>
}
