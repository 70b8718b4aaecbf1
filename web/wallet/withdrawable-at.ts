import type { Address } from 'viem'
import { escrowData } from '#shared/chain/calls.ts'
import { readRevert } from '#shared/chain/claim-refusal.ts'
import { findNodeError } from '#shared/chain/node-error.ts'
import type { ChainClient } from './chain-client.ts'

export interface WithdrawalQuestion {
  readonly escrow: Address
  readonly payer: Address
  /** When the grace ends, in seconds; 0 for no withdrawal. */
  readonly withdrawAt: number
  readonly block: { readonly number: bigint; readonly timestamp: bigint }
}

/**
 * When a withdrawal may be finished, in seconds; 0 for none. After the grace the escrow may ask for up to two days more,
 * where providers without stake had been paid all that a day allows (`Accounts._checkDayIsOver`). It has no read for that
 * and refuses with the time: so the withdrawal is tried, and nothing is sent.
 */
export async function withdrawableAt(
  client: ChainClient,
  { escrow, payer, withdrawAt, block }: WithdrawalQuestion,
): Promise<number> {
  if (withdrawAt === 0 || BigInt(withdrawAt) > block.timestamp) return withdrawAt
  try {
    const call = { account: payer, to: escrow, data: escrowData('withdraw', []), blockNumber: block.number }
    await client.call(call)
    return withdrawAt
  } catch (thrown) {
    const data = findNodeError(thrown)?.data
    const revert = data && readRevert(data)
    const [earliest] = revert?.name === 'TooEarly' ? revert.args : []
    // Another refusal, or none: it is tried once more before it is sent, and told then.
    return typeof earliest === 'number' ? Math.max(withdrawAt, earliest) : withdrawAt
  }
}
