import {
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  type Address,
  type Hash,
  type PublicClient,
  type TransactionReceipt,
} from 'viem'

/**
 * The receipt of whichever of these is in a block; undefined while none is.
 *
 * @throws viem's errors where no node answers
 */
export async function receiptOf(
  client: Pick<PublicClient, 'getTransactionReceipt'>,
  hashes: readonly Hash[],
): Promise<TransactionReceipt | undefined> {
  for (const hash of hashes) {
    const found = await client.getTransactionReceipt({ hash }).catch(unlessAbsent)
    if (found) return found
  }
  return undefined
}

/** A node that does not know a transaction says something; one that is down does not. */
export function unlessAbsent(thrown: unknown): undefined {
  if (thrown instanceof TransactionNotFoundError || thrown instanceof TransactionReceiptNotFoundError) return
  throw thrown
}

/** Transactions of an account that are in blocks, and those with the ones that wait for one: the next free number. */
export async function countsOf(
  client: Pick<PublicClient, 'getTransactionCount'>,
  address: Address,
): Promise<{ readonly mined: number; readonly pending: number }> {
  const [mined, pending] = await Promise.all([
    client.getTransactionCount({ address, blockTag: 'latest' }),
    client.getTransactionCount({ address, blockTag: 'pending' }),
  ])
  return { mined, pending: Math.max(mined, pending) }
}
