import type { PaymentLine } from '#shared/settle/voucher.ts'

/** What an act moved, or allowed. */
export type MovedWhat =
  | 'deposit'
  | 'session'
  | 'revoke'
  | 'request'
  | 'cancel-withdrawal'
  | 'withdraw'
  | 'settle'
  | 'claim'
  | 'stake'
  | 'unbond'
  | 'cancel-unbond'
  | 'withdraw-stake'
  | 'send'
  | 'faucet'

interface EntryBase {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly chainId: number
  /** The wallet it concerns, lower case. */
  readonly wallet: string
  readonly symbol: string
  readonly decimals: number
}

/** An answer that was paid for, or paid to this tab. */
export interface PaymentEntry extends EntryBase {
  readonly kind: 'paid' | 'earned'
  readonly peer: string
  readonly modelName: string
  /** Tokens of each stretch, as the tape draws them. */
  readonly tokens: readonly number[]
  /** What the signed blocks came to. */
  readonly due: bigint
  /** What vouchers cover of it. */
  readonly paid: bigint
  /** Who put a name under the receipt. */
  readonly receipt: 'both' | 'one' | 'none'
  readonly isClaimed: boolean
  /** Where it stands and how far the voucher went then; the chain has counted it when it has counted that much. */
  readonly line?: (PaymentLine & { readonly upTo: bigint }) | undefined
}

/** Something that was done on the chain. */
export interface MovedEntry extends EntryBase {
  readonly kind: 'moved'
  readonly what: MovedWhat
  /** What went into the wallet, or out of it when negative; 0 when nothing moved. */
  readonly amount: bigint
  readonly hash: string | undefined
  readonly state: 'sent' | 'mined' | 'failed'
  readonly block: number | undefined
}

export type MoneyEntry = PaymentEntry | MovedEntry
export type EntryFilter = 'all' | 'paid' | 'earned' | 'needs-you'

/** A block this deep is not expected to be taken back. */
export const FINAL_BLOCKS = 12

export function needsYou(entry: MoneyEntry): boolean {
  if (entry.kind === 'moved') return entry.state === 'failed'
  return entry.kind === 'earned' && entry.paid < entry.due
}

export function filterEntries(entries: readonly MoneyEntry[], filter: EntryFilter): readonly MoneyEntry[] {
  switch (filter) {
    case 'all':
      return entries
    case 'paid':
      return entries.filter((entry) => entry.kind === 'paid' || (entry.kind === 'moved' && entry.amount < 0n))
    case 'earned':
      return entries.filter(
        (entry) => entry.kind === 'earned' || (entry.kind === 'moved' && entry.what === 'claim'),
      )
    case 'needs-you':
      return entries.filter(needsYou)
  }
}

/** Everything as a table for a spreadsheet: exact amounts in units of the asset, times in UTC. */
export function entriesAsCsv(entries: readonly MoneyEntry[]): string {
  const head = [
    'time',
    'kind',
    'what',
    'with',
    'model',
    'tokens',
    'amount',
    'unit',
    'state',
    'transaction',
    'chain',
  ]
  const rows = entries.map((entry) => [
    new Date(entry.at).toISOString(),
    entry.kind,
    entry.kind === 'moved' ? entry.what : 'answer',
    entry.kind === 'moved' ? '' : entry.peer,
    entry.kind === 'moved' ? '' : entry.modelName,
    entry.kind === 'moved' ? '' : String(entry.tokens.reduce((sum, tokens) => sum + tokens, 0)),
    exactAmount(signedAmount(entry), entry.decimals),
    entry.symbol,
    entry.kind === 'moved' ? entry.state : entry.receipt,
    entry.kind === 'moved' ? (entry.hash ?? '') : '',
    String(entry.chainId),
  ])
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}

/** What came in, or went out when negative. */
function signedAmount(entry: MoneyEntry): bigint {
  if (entry.kind === 'moved') return entry.amount
  return entry.kind === 'paid' ? -entry.paid : entry.paid
}

function exactAmount(amount: bigint, decimals: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0')
  const part = decimals > 0 ? digits.slice(-decimals).replace(/0+$/, '') : ''
  const whole = digits.slice(0, digits.length - decimals)
  return `${amount < 0n ? '-' : ''}${whole}${part === '' ? '' : `.${part}`}`
}

/** Quoted where it must be; what a spreadsheet would run as a formula is not one any more. */
function cell(text: string): string {
  const tame = /^[=+@\t\r]|^-[^\d]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame
}
