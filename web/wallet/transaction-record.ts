import type { Address, Hash, Hex } from 'viem'
import type { Call } from '#shared/chain/calls.ts'

/**
 * How far a transaction has come, as far as this browser knows.
 *
 * - `asked`: a wallet is asking its owner, and has not answered
 * - `signed`: signed here; whether a node has it is not known
 * - `unknown`: a wallet answered with something else than a hash; it may have sent it all the same
 * - `sent`: a node or a wallet says that it has it
 * - `mined`, `failed`: it is in a block, and did or did not do what it should
 * - `dropped`: another transaction has its number: it never comes into a block
 */
export type RecordState = 'asked' | 'signed' | 'unknown' | 'sent' | 'mined' | 'failed' | 'dropped'

/** One transaction that an act needs. It is on record before anybody can send it, and plain enough for a database. */
export interface TransactionRecord {
  readonly chainId: number
  readonly account: Address
  /** More than one where the wallet sends several as one. */
  readonly calls: readonly Call[]
  /** Transactions of the account in blocks before anybody was asked: the number of this one is not below it. */
  readonly mined: number
  /** The same with those that waited for a block. */
  readonly pending: number
  /** The newest block then: this one can only come later. */
  readonly fromBlock: bigint
  /** The account's number for it; `undefined` while the wallet keeps it to itself. */
  readonly nonce: number | undefined
  /** All that it was sent under: the same number under several fees. Only one of them can count. */
  readonly hashes: readonly Hash[]
  /** The signed bytes of each hash; only where the key is ours. */
  readonly raws: readonly Hex[]
  /** What the wallet calls the calls that it sends as one. */
  readonly batch: string | undefined
  readonly state: RecordState
  readonly block: number | undefined
  /** Who paid, where its wallet sent it from another account than it was asked for. */
  readonly paidBy?: Address | undefined
}

/** What is noted before anybody is asked. */
export type RecordBase = Pick<
  TransactionRecord,
  'chainId' | 'account' | 'calls' | 'mined' | 'pending' | 'fromBlock'
>

export function recordOf(
  base: RecordBase,
  known: Partial<TransactionRecord> & Pick<TransactionRecord, 'state'>,
): TransactionRecord {
  return { nonce: undefined, hashes: [], raws: [], batch: undefined, block: undefined, ...base, ...known }
}

/** True while the chain has not decided. */
export function isOpen({ state }: { readonly state: string }): boolean {
  return state === 'asked' || state === 'signed' || state === 'unknown' || state === 'sent'
}

export function withHash(hashes: readonly Hash[], hash: Hash): readonly Hash[] {
  return hashes.includes(hash) ? hashes : [...hashes, hash]
}
