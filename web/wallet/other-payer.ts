import { getAddress, isAddressEqual, type Address, type TransactionReceipt } from 'viem'
import type { TransactionRecord } from './transaction-record.ts'

/**
 * Who paid, where a wallet sent it from another account than it was asked for. One that others carry to the chain, as a
 * contract's, calls them and not the contract that was meant.
 */
export function otherPayerOf(
  { account, calls }: TransactionRecord,
  { from, to }: Pick<TransactionReceipt, 'from' | 'to'>,
): Address | undefined {
  const [call, ...more] = calls
  if (!call || more.length > 0 || !to || isAddressEqual(from, account)) return undefined
  return isAddressEqual(to, call.to) ? getAddress(from) : undefined
}
