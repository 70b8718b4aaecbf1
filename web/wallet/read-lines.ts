import type { Address } from 'viem'
import { EscrowClient } from '#shared/chain/escrow-client.ts'
import { modelsAt } from '#shared/chain/models-reads.ts'
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
  /** The publisher's share of it: none where its royalty began after the pot did. */
  readonly royaltyBps: number
}

/** What a provider's tab asks of an escrow. It throws InfernetError `wallet.unreachable`: then nothing is known. */
export function escrowOf(client: ChainClient, escrow: Address): EscrowClient {
  return new EscrowClient(client, escrow, explainFailure)
}

/** Asks the chain about each voucher; one that it would refuse is worth nothing now. @throws as {@link escrowOf} */
export function readClaimable(
  client: ChainClient,
  escrow: Address,
  entries: readonly ClaimEntry[],
): Promise<readonly Claimable[]> {
  const asked = escrowOf(client, escrow)
  return Promise.all(
    entries.map(async (entry) => {
      const said = await asked.claimable(entry)
      return { entry, payable: typeof said === 'bigint' ? said : 0n }
    }),
  )
}

/** What lies in each pot. @throws as {@link escrowOf} */
export function readPots(
  client: ChainClient,
  { escrow, models, shares }: { escrow: Address; models: Address; shares: Shares },
  lines: readonly EarnedLine[],
): Promise<readonly PotOnChain[]> {
  const [pots, publishers] = [escrowOf(client, escrow), modelsAt(client, models)]
  const read = async (line: EarnedLine): Promise<PotOnChain> => {
    const [pot, [, asked, from]] = await Promise.all([pots.potOf(line), publishers('royaltyOf', line.model)])
    // An empty pot begins with the next claim, which may be before the royalty: rather less is shown than will come.
    const royaltyBps = pot.gross === 0n || from <= pot.since ? asked : 0
    const provided = providedOf(pot.gross, { ...shares, royaltyBps, hasRelay: BigInt(line.relay) !== 0n })
    return { ...line, provided: provided > pot.tips ? provided - pot.tips : 0n, royaltyBps }
  }
  return Promise.all(lines.map(read)).catch((thrown: unknown) => {
    throw explainFailure(thrown)
  })
}
