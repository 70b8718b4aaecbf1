import { isAddressEqual, type Hash, type Transaction, type TransactionReceipt } from 'viem'
import type { Call } from '#shared/chain/calls.ts'
import { receiptOf, unlessAbsent } from '#shared/chain/receipts.ts'
import type { ChainClient } from './chain-client.ts'
import { MAX_SEARCHED_NONCES } from './constants.ts'
import { findByNonce } from './find-transaction.ts'
import type { TransactionRecord } from './transaction-record.ts'

/**
 * What the chain says of a transaction.
 *
 * - `mined`: it is in a block, under whichever hash
 * - `waiting`: a node has it, and no block
 * - `displaced`: another transaction has its number
 * - `absent`: no node that answers knows it, and its number is free: it may still come
 * - `silent`: nothing is learnt
 */
export type Fate =
  | { readonly kind: 'mined'; readonly receipt: TransactionReceipt }
  | { readonly kind: 'waiting'; readonly nonce: number | undefined }
  | { readonly kind: 'displaced' | 'absent' | 'silent' }

/**
 * Looks once. What a wallet sent without telling its hash is found by account, number and contents.
 *
 * @param isForeign whether a hash is known to belong to another act, which may have done the very same
 */
export async function lookUp(
  client: ChainClient,
  record: TransactionRecord,
  isForeign: (hash: Hash) => boolean = () => false,
): Promise<Fate> {
  try {
    const count = await client.getTransactionCount({ address: record.account, blockTag: 'latest' })
    const own = await receiptOf(client, record.hashes)
    if (own) return { kind: 'mined', receipt: own }
    const held = await heldOf(client, record.hashes)
    // The number of another sender says nothing of this account: of one that carries it, or of the wrong account.
    if (held && !isAddressEqual(held.from, record.account)) return { kind: 'waiting', nonce: record.nonce }
    const nonce = held?.nonce ?? record.nonce
    if (nonce === undefined) return await searchUnnumbered(client, record, count, isForeign)
    if (count > nonce) return await whoTook(client, record, nonce, isForeign)
    return held ? { kind: 'waiting', nonce } : { kind: 'absent' }
  } catch {
    return { kind: 'silent' }
  }
}

async function whoTook(
  client: ChainClient,
  record: TransactionRecord,
  nonce: number,
  isForeign: (hash: Hash) => boolean,
): Promise<Fate> {
  const { account, fromBlock } = record
  const found = await findByNonce(client, { account, nonce, fromBlock })
  if (found && !isForeign(found.hash) && (await isTheSame(client, record, found)))
    return minedAs(client, found.hash)
  // It may have come into a block between the questions.
  const own = await receiptOf(client, record.hashes)
  if (own) return { kind: 'mined', receipt: own }
  return { kind: found ? 'displaced' : 'silent' }
}

/** Of a wallet that told neither hash nor number: everything that the account has sent since. */
async function searchUnnumbered(
  client: ChainClient,
  record: TransactionRecord,
  count: number,
  isForeign: (hash: Hash) => boolean,
): Promise<Fate> {
  const { account, fromBlock, mined, pending } = record
  const end = Math.min(count, mined + MAX_SEARCHED_NONCES)
  for (let nonce = mined; nonce < end; nonce++) {
    const found = await findByNonce(client, { account, nonce, fromBlock })
    if (!found) return { kind: 'silent' }
    if (!isForeign(found.hash) && (await isTheSame(client, record, found))) return minedAs(client, found.hash)
  }
  if (end < count) return { kind: 'silent' }
  // While its owner is still being asked, what came in between proves nothing.
  if (count <= pending || record.state === 'asked') return { kind: 'absent' }
  const waiting = await client.getTransactionCount({ address: account, blockTag: 'pending' })
  return { kind: waiting > count ? 'absent' : 'displaced' }
}

async function minedAs(client: ChainClient, hash: Hash): Promise<Fate> {
  const receipt = await receiptOf(client, [hash])
  return receipt ? { kind: 'mined', receipt } : { kind: 'silent' }
}

/** The same under another fee; of several calls in one, the one that touched every contract that was called. */
async function isTheSame(
  client: ChainClient,
  { calls }: TransactionRecord,
  found: Transaction,
): Promise<boolean> {
  const last = calls.at(-1)
  if (last && doesCall(found, last)) return true
  if (calls.length < 2) return false
  const receipt = await receiptOf(client, [found.hash])
  return calls.every(({ to }) => receipt?.logs.some(({ address }) => isAddressEqual(address, to)) ?? false)
}

function doesCall({ to, input, value }: Transaction, call: Call): boolean {
  return to !== null && isAddressEqual(to, call.to) && input === call.data && value === (call.value ?? 0n)
}

async function heldOf(client: ChainClient, hashes: readonly Hash[]): Promise<Transaction | undefined> {
  for (const hash of hashes.toReversed()) {
    const found = await client.getTransaction({ hash }).catch(unlessAbsent)
    if (found) return found
  }
  return undefined
}
