import { MINUTE_MS, type EpochMillis } from '#shared/base/units.ts'
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

/** Long enough for a model that earns at weekends alone. */
const EARNING_MS = 7 * 24 * 60 * MINUTE_MS
const EARNING_HOURS = EARNING_MS / (60 * MINUTE_MS)
/** Thousandths: what a busy model of a gigabyte earns in an hour is some hundreds of them. */
const PARTS = 1000

/**
 * What each model earned here in an hour over the last week, in thousandths of the asset that was earned last: another
 * asset's units would say nothing beside it. Entries of older pages do not name their model by its hash, and are left out.
 */
export function earnedByHour(entries: readonly MoneyEntry[], now: EpochMillis): ReadonlyMap<string, number> {
  const recent = entries.flatMap((entry) => {
    const isRecent = entry.kind === 'earned' && entry.line && entry.at > now - EARNING_MS
    return isRecent ? [entry] : []
  })
  const [newest] = recent.toSorted((a, b) => b.at - a.at)
  const sums = new Map<string, number>()
  for (const { line, paid, decimals, chainId, symbol } of recent) {
    if (!line || chainId !== newest?.chainId || symbol !== newest.symbol) continue
    const parts = (Number(paid) / 10 ** decimals) * PARTS
    sums.set(line.model, (sums.get(line.model) ?? 0) + parts / EARNING_HOURS)
  }
  return sums
}
