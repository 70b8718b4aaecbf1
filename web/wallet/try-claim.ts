import type { Address } from 'viem'
import { call, readContract } from 'viem/actions'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { readClaimRefusal, UNKNOWN_REFUSAL, type ClaimRefusal } from '#shared/settle/claim-refusal.ts'
import { encodeClaim } from '#shared/settle/encode-claim.ts'
import type { ClaimEntry } from './acts.ts'
import type { ChainClient } from './chain-client.ts'
import { explainFailure, revertDataOf } from './explain-failure.ts'

/** What a provider may still claim on this day of UTC, in base units. @throws InfernetError `wallet.unreachable` */
export async function readDailyLeft(
  client: ChainClient,
  escrow: Address,
  provider: Address,
): Promise<bigint> {
  const read = { address: escrow, abi: escrowAbi, functionName: 'dailyLeft', args: [provider] } as const
  try {
    return await readContract(client, read)
  } catch (thrown) {
    throw explainFailure(thrown)
  }
}

/**
 * Why the chain would refuse a claim of all these, sent by `from`; undefined when it would take them. Sends nothing.
 *
 * @throws InfernetError `wallet.unreachable`
 */
export async function tryClaim(
  client: ChainClient,
  escrow: Address,
  { from, entries }: { from: Address; entries: readonly ClaimEntry[] },
): Promise<ClaimRefusal | undefined> {
  try {
    await call(client, { account: from, to: escrow, data: encodeClaim(entries) })
    return undefined
  } catch (thrown) {
    const failure = explainFailure(thrown)
    if (failure.code !== 'wallet.reverted') throw failure
    const data = revertDataOf(thrown)
    return (data && readClaimRefusal(data)) ?? UNKNOWN_REFUSAL
  }
}
