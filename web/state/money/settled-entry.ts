import type { Fate } from '../../wallet/look-up.ts'
import { isOpen, withHash, type TransactionRecord } from '../../wallet/transaction-record.ts'
import { FINAL_BLOCKS, type MovedEntry } from './money-entries.ts'

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
      return { ...entry, state: 'dropped', transaction: { ...transaction, state: 'dropped' } }
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
): MovedEntry {
  const block = Number(receipt.blockNumber)
  const hash = receipt.transactionHash
  const common = { ...entry, hash, block }
  const hashes = withHash(transaction.hashes, hash)
  const succeeded = receipt.status === 'success'
  const decided = { ...transaction, hashes, block, state: succeeded ? 'mined' : 'failed' } as const
  if (!succeeded) return { ...common, state: 'failed', transaction: decided }
  if (entry.hasMore) return { ...common, state: 'partial', transaction: decided }
  if (Number(newest) - block < FINAL_BLOCKS) return { ...common, state: 'mined', transaction: decided }
  // Nothing takes it back any more: its bytes are not needed.
  return { ...common, state: 'final', transaction: undefined }
}

function opened(entry: MovedEntry, transaction: TransactionRecord): MovedEntry {
  return { ...entry, state: transaction.state, block: undefined, transaction }
}

/** An endpoint may know that a number is used before another one has the receipt: once is no proof. */
const DISPLACED_LOOKS = 2

/** Counts how often each transaction was found to be displaced, one look after the other. */
export class Looks {
  readonly #displaced = new Map<string, number>()

  /** Whether what was seen may be put on record. */
  isProof(id: string, { kind }: Fate): boolean {
    const looks = kind === 'displaced' ? (this.#displaced.get(id) ?? 0) + 1 : 0
    this.#displaced.set(id, looks)
    return looks === 0 || looks >= DISPLACED_LOOKS
  }
}
