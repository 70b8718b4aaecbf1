import type { Address } from 'viem'
import { readContract } from 'viem/actions'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { modelsAbi } from '#shared/abi/models.ts'
import type { ClaimEntry, EarnedLine } from './acts.ts'
import type { ChainClient } from './chain-client.ts'
import { explainFailure } from './explain-failure.ts'
import { providedOf } from './provided-of.ts'
import type { Shares } from './read-snapshot.ts'

/** A voucher of somebody else's that this wallet holds, and what the chain would give for it now. */
export interface Claimable {
  readonly entry: ClaimEntry
  /** What a claim pays now, before the shares; 0 where the chain would refuse it. */
  readonly payable: bigint
}

/** What waits for a provider in one pot. */
export interface PotOnChain extends EarnedLine {
  /** What the provider gets of a sweep now. */
  readonly provided: bigint
  /** The publisher's share of what comes into it. */
  readonly royaltyBps: number
}

/**
 * Asks the chain about each voucher; one that it would refuse is worth nothing now.
 *
 * @throws InfernetError `wallet.unreachable`: then nothing is known of any.
 */
export function readClaimable(
  client: ChainClient,
  escrow: Address,
  entries: readonly ClaimEntry[],
): Promise<readonly Claimable[]> {
  const read = { address: escrow, abi: escrowAbi, functionName: 'claimable' } as const
  return Promise.all(
    entries.map((entry) =>
      readContract(client, { ...read, args: [entry] }).then(
        ([payable]) => ({ entry, payable }),
        (thrown: unknown) => {
          const failure = explainFailure(thrown)
          if (failure.code !== 'wallet.reverted') throw failure
          return { entry, payable: 0n }
        },
      ),
    ),
  )
}

/** What lies in each pot. @throws InfernetError `wallet.unreachable` */
export function readPots(
  client: ChainClient,
  { escrow, models, shares }: { escrow: Address; models: Address; shares: Shares },
  lines: readonly EarnedLine[],
): Promise<readonly PotOnChain[]> {
  return named(
    lines.map(async (line) => {
      const { provider, model, relay } = line
      const [pot, [, royaltyBps]] = await Promise.all([
        readContract(client, {
          address: escrow,
          abi: escrowAbi,
          functionName: 'potOf',
          args: [provider, model, relay],
        }),
        readContract(client, { address: models, abi: modelsAbi, functionName: 'royaltyOf', args: [model] }),
      ])
      const provided = providedOf(pot.gross, { ...shares, royaltyBps, hasRelay: BigInt(relay) !== 0n })
      return { ...line, provided: provided > pot.tips ? provided - pot.tips : 0n, royaltyBps }
    }),
  )
}

async function named<T>(reads: readonly Promise<T>[]): Promise<readonly T[]> {
  try {
    return await Promise.all(reads)
  } catch (thrown) {
    throw explainFailure(thrown)
  }
}
