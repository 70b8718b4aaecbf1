import { formatAtMost, formatMoney, formatMoneyNumber } from './money.ts'

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const INF = { symbol: 'INF', decimals: 18 }

/** 654,812 */
export function formatCount(count: number): string {
  return counts.format(count)
}

/** 0.0012 INF, by the rule of {@link formatMoney}: an answer must not cost one amount here and another in the wallet. */
export function formatInf(amount: bigint): string {
  return formatMoney(amount, INF)
}

/** The number of {@link formatInf} alone, for columns that name the unit in their head. */
export function formatInfNumber(amount: bigint): string {
  return formatMoneyNumber(amount, INF)
}

/** What will not be exceeded, rounded up. */
export function formatInfAtMost(amount: bigint): string {
  return formatAtMost(amount, INF)
}

/** What a million tokens cost, the way prices are compared, without trailing zeros. */
export function formatPerMillion(price: bigint): string {
  return formatInfNumber(price).replace(/\.?0+$/, '') || '0'
}

/** The same in a column of prices: what costs nothing says so. */
export function formatPrice(price: bigint): string {
  return price === 0n ? 'free' : formatPerMillion(price)
}

/** 2.5 MB, 0.9 GB */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`
}

/** How long something has been so: 4 s, 18 min, 2 h 14 min. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A short wait, as the seam shows it: 1.2 s */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}

/** 18 ms */
export function formatMillis(ms: number): string {
  return ms < 1 ? 'under 1 ms' : `${Math.round(ms)} ms`
}

/** 44 tok/s */
export function formatSpeed(tokensPerSecond: number): string {
  return `${tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : formatCount(Math.round(tokensPerSecond))} tok/s`
}

/** One tab, 2 tabs */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

const WORDS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten']

/** A small count at the head of a sentence, as a word. */
export function countInWords(count: number): string {
  return WORDS[count] ?? formatCount(count)
}

/** Who provides now, in words: tabs are tabs, and a server is called one. */
export function providersInWords(
  providers: { readonly tabs: number; readonly servers: number },
  joint = ' and ',
): string {
  const { tabs, servers } = providers
  if (servers === 0) return plural(tabs, 'tab')
  if (tabs === 0) return plural(servers, 'server')
  return `${plural(tabs, 'tab')}${joint}${plural(servers, 'server')}`
}

/** How the tokens travel. */
export function pathInWords(path: string): string {
  if (path === 'webrtc') return 'direct'
  if (path === 'turn') return 'over a TURN server'
  return path === 'relayed' ? 'relayed' : 'straight from the server'
}
