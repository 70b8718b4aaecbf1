import type { MoneyEntry } from '../money/money-entries.ts'
import type { KnownModel } from './services.ts'

/** Whose journal, and of which asset. */
export interface EarnedBy {
  readonly wallet: string | undefined
  readonly chainId: number | undefined
  readonly symbol: string | undefined
}

/**
 * What answers of a model brought here, as far as this browser's journal goes back; undefined without a wallet.
 *
 * Entries name the model by the line that they stand on. Those of older pages have its name alone.
 */
export function earnedOf(
  { model, name }: Pick<KnownModel, 'model' | 'name'>,
  entries: readonly MoneyEntry[],
  { wallet, chainId, symbol }: EarnedBy,
): bigint | undefined {
  if (wallet === undefined || symbol === undefined) return undefined
  const own = wallet.toLowerCase()
  return entries.reduce((sum, entry) => {
    if (entry.kind !== 'earned' || entry.wallet !== own) return sum
    if (entry.chainId !== chainId || entry.symbol !== symbol) return sum
    const isOfIt = entry.line ? entry.line.model === model : entry.modelName === name
    return isOfIt ? sum + entry.paid : sum
  }, 0n)
}
