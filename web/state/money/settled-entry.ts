import type { Fate } from '../../wallet/look-up.ts'
import { otherPayerOf } from '../../wallet/other-payer.ts'
import { isOpen, withHash, type TransactionRecord } from '../../wallet/transaction-record.ts'
import { FINAL_BLOCKS, type MoneyEntry, type MovedEntry, type PaymentEntry } from './money-entries.ts'

/**
 * An entry after a look at the chain; `undefined` when nothing more is known.
 *
 * @param block the newest block that is known
 */
export function settledBy(
  entry: MovedEntry,
  transaction: TransactionRecord,
  fate: Fate,
  block: bigint,
): MovedEntry | undefined {
  switch (fate.kind) {
    case 'mined':
      return minedEntry(entry, transaction, fate.receipt, block)
    case 'displaced':
      return droppedEntry(entry, transaction, Number(block))
    case 'waiting':
      if (entry.state === 'sent' && transaction.nonce === fate.nonce) return undefined
      return opened(entry, { ...transaction, state: 'sent', nonce: fate.nonce })
    case 'absent': {
      // It was in a block that a fork took back.
      const state = transaction.raws.length > 0 ? 'signed' : 'unknown'
      return isOpen(entry) ? undefined : opened(entry, { ...transaction, state })
    }
    case 'silent':
      return undefined
  }
}

function minedEntry(
  entry: MovedEntry,
  transaction: TransactionRecord,
  receipt: Extract<Fate, { kind: 'mined' }>['receipt'],
  newest: bigint,
): MovedEntry | undefined {
  const block = Number(receipt.blockNumber)
  const hash = receipt.transactionHash
  const paidBy = otherPayerOf(transaction, receipt)
  const common = { ...entry, hash, block, wallet: paidBy?.toLowerCase() ?? entry.wallet }
  const isDeep = Number(newest) - block >= FINAL_BLOCKS
  const hashes = withHash(transaction.hashes, hash)
  const succeeded = receipt.status === 'success'
  const decided = { ...transaction, hashes, block, paidBy, state: succeeded ? 'mined' : 'failed' } as const
  const state = !succeeded ? 'failed' : entry.hasMore ? 'partial' : isDeep ? 'final' : 'mined'
  // Nothing takes it back any more: its bytes are not needed.
  if (isDeep) return { ...common, state, transaction: undefined }
  const isAsBefore = entry.state === state && entry.block === block && entry.hash === hash
  return isAsBefore ? undefined : { ...common, state, transaction: decided }
}

/** Another one has its number, until a fork gives it free: that is looked at until it is deep. */
function droppedEntry(
  entry: MovedEntry,
  transaction: TransactionRecord,
  newest: number,
): MovedEntry | undefined {
  if (entry.state !== 'dropped' || entry.block === undefined)
    return { ...entry, state: 'dropped', block: newest, transaction: { ...transaction, state: 'dropped' } }
  return newest - entry.block >= FINAL_BLOCKS ? { ...entry, transaction: undefined } : undefined
}

/** One whose hash alone is known, after a look at the chain. */
export function foundEntry(
  entry: MovedEntry,
  outcome: { readonly block: number; readonly succeeded: boolean } | undefined,
  newest: bigint,
): MovedEntry | undefined {
  if (!outcome) return isOpen(entry) ? undefined : { ...entry, state: 'sent', block: undefined }
  const { block, succeeded } = outcome
  const isDeep = Number(newest) - block >= FINAL_BLOCKS
  const state = !succeeded ? 'failed' : isDeep ? 'final' : 'mined'
  return entry.state === state && entry.block === block ? undefined : { ...entry, block, state }
}

export type Lined = PaymentEntry & { readonly line: NonNullable<PaymentEntry['line']> }

/** Those of older pages have none. */
export function hasLine(entry: MoneyEntry): entry is Lined {
  return entry.kind !== 'moved' && entry.line !== undefined
}

/** A payment after the chain has said how much of its line is claimed; a fork may have undone a claim. */
export function claimedEntry(entry: Lined, claimed: bigint, block: number): Lined | undefined {
  const isClaimed = entry.line.upTo <= claimed
  if (isClaimed !== entry.isClaimed) return { ...entry, isClaimed, claimedAt: isClaimed ? block : undefined }
  const isDeep = entry.claimedAt !== undefined && block - entry.claimedAt >= FINAL_BLOCKS
  return isDeep ? { ...entry, claimedAt: undefined } : undefined
}

function opened(entry: MovedEntry, transaction: TransactionRecord): MovedEntry {
  return { ...entry, state: transaction.state, block: undefined, transaction }
}

/** An endpoint may know that a number is used before another one has the receipt, or lag behind: once is no proof. */
const PROOF_LOOKS = 2

/** Counts how often each transaction was found to be displaced, or out of its block, one look after the other. */
export class Looks {
  readonly #seen = new Map<string, number>()

  /** Whether what was seen may be put on record. */
  isProof(entry: MovedEntry, { kind }: Pick<Fate, 'kind'>): boolean {
    const isUndone = !isOpen(entry) && (kind === 'absent' || kind === 'waiting')
    const looks = kind === 'displaced' || isUndone ? (this.#seen.get(entry.id) ?? 0) + 1 : 0
    this.#seen.set(entry.id, looks)
    return looks === 0 || looks >= PROOF_LOOKS
  }
}
