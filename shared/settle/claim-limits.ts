import type { ClaimOffer } from './claim-offer.ts'
import { MAX_CHAIN_AMOUNT } from './constants.ts'

/** What the vouchers of one claim share, and what those before have left of it. */
export class ClaimLimits {
  readonly #left = new Map<string, bigint>()

  /**
   * What a voucher pays behind those that were taken.
   *
   * @param wanted what it adds, as far as is known
   * @returns also what it would pay without the caps of the day, where those are what it lacks
   */
  of(offer: ClaimOffer, wanted: bigint): { readonly pays: bigint; readonly overDay: bigint | undefined } {
    const leftOf = ([key, whole]: Shared): bigint => this.#left.get(key) ?? whole
    const day = least([...daysOf(offer).map(leftOf), MAX_CHAIN_AMOUNT])
    const undated = least([wanted, ...othersOf(offer).map(leftOf)])
    return { pays: least([offer.pays, undated, day]), overDay: day < undated ? undated : undefined }
  }

  take(offer: ClaimOffer, pays: bigint): void {
    for (const [key, whole] of [...daysOf(offer), ...othersOf(offer)])
      this.#left.set(key, (this.#left.get(key) ?? whole) - pays)
  }
}

/** By name, with the whole of it. */
type Shared = readonly [string, bigint]

/** The provider's day, and the payer's for all providers without stake. */
function daysOf({ held, dailyLeft, payerDailyLeft }: ClaimOffer): readonly Shared[] {
  const { payer, provider } = held.voucher
  return [
    [`day ${provider}`, dailyLeft],
    ...(payerDailyLeft === undefined ? [] : [[`day of ${payer}`, payerDailyLeft] as const]),
  ]
}

function othersOf({ held, balance, sessionLeft }: ClaimOffer): readonly Shared[] {
  const { payer } = held.voucher
  return [
    [`balance ${payer}`, balance],
    ...(sessionLeft === undefined ? [] : [[`session ${payer} ${held.signer}`, sessionLeft] as const]),
  ]
}

function least(amounts: readonly bigint[]): bigint {
  return amounts.reduce((smallest, each) => (each < smallest ? each : smallest))
}
