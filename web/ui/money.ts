/** An asset as amounts of it are written. */
export interface Unit {
  readonly symbol: string
  /** Digits after the point in one unit. */
  readonly decimals: number
}

const SMALLEST_DIGITS = 9

/**
 * 418.62 INF, 0.0012 INF: two decimals from one unit on, two digits that count below it.
 *
 * Cut, never rounded up, so that nobody reads more than there is; no exponent and no base units.
 */
export function formatMoney(amount: bigint, unit: Unit): string {
  return `${formatMoneyNumber(amount, unit)} ${unit.symbol}`
}

/** With its sign, for what moves: +19.40 INF, −0.0004 INF. */
export function formatMoved(amount: bigint, unit: Unit): string {
  return `${amount > 0n ? '+' : ''}${formatMoney(amount, unit)}`
}

/** The number of {@link formatMoney} alone, where the unit stands beside it. */
export function formatMoneyNumber(amount: bigint, { decimals }: Unit): string {
  if (amount < 0n) return `−${formatMoneyNumber(-amount, { symbol: '', decimals })}`
  if (amount === 0n) return '0'
  const digits = amount.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const part = digits.slice(digits.length - decimals)
  if (whole !== '0') return `${grouped(whole)}.${part.slice(0, 2).padEnd(2, '0')}`
  const first = part.search(/[1-9]/)
  if (first >= SMALLEST_DIGITS) return `under 0.${'0'.repeat(SMALLEST_DIGITS - 1)}1`
  return `0.${part.slice(0, first + 2).replace(/0+$/, '')}`
}

/** For what will not be exceeded: the same digits, rounded up. */
export function formatAtMost(amount: bigint, unit: Unit): string {
  const digits = amount.toString().length
  const shown = BigInt(Math.max(0, Math.min(digits, unit.decimals) - 2))
  const step = 10n ** shown
  return formatMoney(((amount + step - 1n) / step) * step, unit)
}

/** What a person types into a field: exact, without groups. */
export function plainMoney(amount: bigint, { decimals }: Unit): string {
  const digits = amount.toString().padStart(decimals + 1, '0')
  const part = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return digits.slice(0, digits.length - decimals) + (part === '' ? '' : `.${part}`)
}

/** "$4.19", "41¢", "under 1¢"; undefined where nobody has said what a unit is worth, and for nothing. */
export function fiatHint(
  amount: bigint,
  { decimals }: Unit,
  usdHint: number | undefined,
): string | undefined {
  if (usdHint === undefined || amount === 0n) return undefined
  const dollars = (Number(amount < 0n ? -amount : amount) / 10 ** decimals) * usdHint
  if (!Number.isFinite(dollars)) return undefined
  if (dollars < 0.01) return 'under 1¢'
  if (dollars < 1) return `${Math.round(dollars * 100)}¢`
  return dollars.toLocaleString('en', {
    style: 'currency',
    currency: 'USD',
    maximumFractionDigits: dollars < 1000 ? 2 : 0,
  })
}

/** `0x9c4F…a17E`: enough to compare by eye, never enough to send to. */
export function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ',')
}
