import type { PaymentLine } from '#shared/settle/voucher.ts'
import {
  isOpen,
  withHash,
  type RecordState,
  type TransactionRecord,
} from '../../wallet/transaction-record.ts'

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
  /** Paid for reading an answer again, and not for writing one. */
  readonly isCheck?: boolean | undefined
  /** Tokens of each stretch, as the tape draws them. */
  readonly tokens: readonly number[]
  /** What the signed blocks came to. */
  readonly due: bigint
  /** What vouchers cover of it. */
  readonly paid: bigint
  /** Who put a name under the receipt. */
  readonly receipt: 'both' | 'one' | 'none'
  readonly isClaimed: boolean
  /** The block in which the claim was seen; undefined before, and when it is so deep that no fork takes it back. */
  readonly claimedAt?: number | undefined
  /** Where it stands and how far the voucher went then; the chain has counted it when it has counted that much. */
  readonly line?: (PaymentLine & { readonly upTo: bigint }) | undefined
}

/** Something that was done on the chain. */
export interface MovedEntry extends EntryBase {
  readonly kind: 'moved'
  readonly what: MovedWhat
  /** What went into the wallet, or out of it when negative; 0 when nothing moved. */
  readonly amount: bigint
  /** The newest that it was sent under, or the one that is in a block. */
  readonly hash: string | undefined
  readonly state: MovedState
  readonly block: number | undefined
  /** The transaction that it stands on now; those of older pages have none. */
  readonly transaction?: TransactionRecord | undefined
  /** The act needs another transaction after this one. */
  readonly hasMore?: boolean | undefined
}

/**
 * How far it has come: as its transaction, and beyond.
 *
 * - `final`: so deep in the chain that no fork takes it back
 * - `partial`: some of its transactions are in blocks, and the others will not come
 */
export type MovedState = RecordState | 'final' | 'partial'

export type MoneyEntry = PaymentEntry | MovedEntry
export type EntryFilter = 'all' | 'paid' | 'earned' | 'needs-you'

/** A block this deep is not expected to be taken back. */
export const FINAL_BLOCKS = 12

export function needsYou(entry: MoneyEntry): boolean {
  if (entry.kind === 'moved') return ['failed', 'partial', 'unknown', 'signed'].includes(entry.state)
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

/** What an act moved, or will if it comes into a block. */
export function movedAmount({ state, amount }: MovedEntry): bigint {
  return state === 'failed' || state === 'dropped' || state === 'partial' ? 0n : amount
}

/** What two tabs know of one entry: no hash is lost, and what is final stays so. */
export function mergeEntries(present: MoneyEntry, next: MoneyEntry): MoneyEntry {
  if (present.kind !== 'moved' || next.kind !== 'moved') return next
  if (present.state === 'final') return present
  const [known, fresh] = [present.transaction, next.transaction]
  // Another transaction of the same act, or one that was taken up first here.
  if (!known || !fresh || known.nonce !== fresh.nonce || known.calls[0]?.data !== fresh.calls[0]?.data)
    return next
  const newer = known.raws.length > fresh.raws.length && isOpen(fresh) ? known : fresh
  const hashes = [...new Set([...known.hashes, ...fresh.hashes])]
  return { ...next, transaction: { ...fresh, raws: newer.raws, hashes: inOrder(hashes, newer) } }
}

/** The newest hash stays the last, as its bytes are. */
function inOrder(hashes: TransactionRecord['hashes'], newer: TransactionRecord): TransactionRecord['hashes'] {
  const last = newer.hashes.at(-1)
  return last === undefined
    ? hashes
    : withHash(
        hashes.filter((hash) => hash !== last),
        last,
      )
}

/** True while the chain has not decided. */
export function isUndecided(entry: MoneyEntry): boolean {
  return entry.kind === 'moved' && isOpen(entry)
}

/** What came in, or went out when negative. */
function signedAmount(entry: MoneyEntry): bigint {
  if (entry.kind === 'moved') return movedAmount(entry)
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
