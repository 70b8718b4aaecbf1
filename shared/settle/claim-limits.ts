import type { ClaimOffer } from './claim-offer.ts'

/** What the vouchers of one claim share, and what those before have left of it. */
export class ClaimLimits {
  readonly #left = new Map<string, bigint>()

  /**
   * What a voucher pays behind those that were taken.
   *
   * @param wanted what it adds, as far as is known
   * @returns also what it would pay without the day's cap, where that cap is what it lacks
   */
  of(offer: ClaimOffer, wanted: bigint): { readonly pays: bigint; readonly overDay: bigint | undefined } {
    const [day = 0n, ...others] = sharedBy(offer).map(([key, whole]) => this.#left.get(key) ?? whole)
    const undated = least([wanted, ...others])
    return { pays: least([offer.pays, undated, day]), overDay: day < undated ? undated : undefined }
  }

  take(offer: ClaimOffer, pays: bigint): void {
    for (const [key, whole] of sharedBy(offer)) this.#left.set(key, (this.#left.get(key) ?? whole) - pays)
  }
}

/** By name, each with the whole of it: the provider's day first. */
function sharedBy({
  held,
  balance,
  sessionLeft,
  dailyLeft,
}: ClaimOffer): readonly (readonly [string, bigint])[] {
  const { payer, provider } = held.voucher
  return [
    [`day ${provider}`, dailyLeft],
    [`balance ${payer}`, balance],
    ...(sessionLeft === undefined ? [] : [[`session ${payer} ${held.signer}`, sessionLeft] as const]),
  ]
}

function least(amounts: readonly bigint[]): bigint {
  return amounts.reduce((smallest, each) => (each < smallest ? each : smallest))
}
