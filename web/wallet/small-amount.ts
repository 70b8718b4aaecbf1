/** What a person may lose with a copied profile without being asked: about a lunch. In US dollars. */
const SMALL_USD = 5
/** Where the network file names no value of an asset: whole units of it. */
const SMALL_UNITS = 5

/** Millionths keep the hint's digits in whole numbers. */
const MILLION = 1_000_000

/**
 * Up to so much of an asset, in its smallest unit, the tab's keys lie without a lock: of a wallet, and as what a session
 * key may still spend. The value is what the network file says, which is a hint; where it is wrong, so is this.
 */
export function smallAmount({
  usdHint,
  decimals,
}: {
  readonly usdHint?: number | undefined
  readonly decimals: number
}): bigint {
  const unit = 10n ** BigInt(decimals)
  const millionths = Math.round((usdHint ?? 0) * MILLION)
  if (!(millionths > 0)) return BigInt(SMALL_UNITS) * unit
  return (BigInt(SMALL_USD * MILLION) * unit) / BigInt(millionths)
}
