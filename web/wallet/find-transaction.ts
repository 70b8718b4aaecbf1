import type { Address, Transaction } from 'viem'
import { getBlock, getBlockNumber, getTransaction, getTransactionCount } from 'viem/actions'
import type { ChainClient } from './chain-client.ts'
import { MAX_BLOCK_TRANSACTIONS, REPLACEMENT_BLOCKS } from './constants.ts'

export interface NumberedTransaction {
  readonly account: Address
  readonly nonce: number
  /** It is in a later block than this one. */
  readonly fromBlock: bigint
}

/**
 * The transaction of that account with that number, wherever it is in the chain; `undefined` where the node does not
 * show it, which says nothing of whether there is one.
 *
 * @throws viem's errors where no node answers
 */
export async function findByNonce(
  client: ChainClient,
  { account, nonce, fromBlock }: NumberedTransaction,
): Promise<Transaction | undefined> {
  const latest = await getBlockNumber(client)
  const exact = await blockOf(client, { account, nonce, fromBlock }, latest).catch(() => undefined)
  if (exact !== undefined) return findIn(client, account, nonce, exact)
  // A node that has forgotten the states of old blocks still shows the blocks.
  const oldest = latest > REPLACEMENT_BLOCKS ? latest - REPLACEMENT_BLOCKS : 0n
  for (let number = latest; number >= oldest && number >= fromBlock; number--) {
    const found = await findIn(client, account, nonce, number).catch(() => undefined)
    if (found) return found
  }
  return undefined
}

/** The block in which the account's count passed that number, by halves. */
async function blockOf(
  client: ChainClient,
  { account, nonce, fromBlock }: NumberedTransaction,
  latest: bigint,
): Promise<bigint> {
  // The count of a block is that after it: the number is used in the first one whose count is above it.
  let [before, at] = [fromBlock < latest ? fromBlock : latest - 1n, latest]
  while (at - before > 1n) {
    const middle = (before + at) / 2n
    const count = await getTransactionCount(client, { address: account, blockNumber: middle })
    if (count > nonce) at = middle
    else before = middle
  }
  return at
}

async function findIn(
  client: ChainClient,
  account: Address,
  nonce: number,
  blockNumber: bigint,
): Promise<Transaction | undefined> {
  const isIt = (each: Transaction): boolean =>
    each.from.toLowerCase() === account.toLowerCase() && each.nonce === nonce
  const whole = await getBlock(client, { blockNumber, includeTransactions: true }).catch(() => undefined)
  if (whole) return whole.transactions.find(isIt)
  // A relay gives the hashes of a block alone: whole ones are too large for it.
  const { transactions } = await getBlock(client, { blockNumber })
  const found = await Promise.all(
    transactions.slice(0, MAX_BLOCK_TRANSACTIONS).map((hash) => getTransaction(client, { hash })),
  )
  return found.find(isIt)
}
