const UNIT = 10n ** 18n

/** An amount of the coin that pays for gas, to two digits that count, for a sentence: `0.00031`. */
export function plainAmount(amount: bigint): string {
  const coins = Number(amount) / Number(UNIT)
  if (coins === 0) return '0'
  if (coins >= 1) return coins.toFixed(2)
  return coins < 1e-9 ? 'under 0.000000001' : coins.toFixed(Math.min(12, 1 - Math.floor(Math.log10(coins))))
}
