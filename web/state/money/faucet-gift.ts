import type { Address, Hash } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import type { MovedEntry } from './money-entries.ts'

/**
 * What a faucet's gift came to. A faucet that did not answer may have given all the same: the chain tells.
 *
 * @throws InfernetError `faucet.*`, `wallet.faucet-refused`, or `wallet.faucet-silent` when nothing came either
 */
export async function gotFromFaucet(
  ask: () => Promise<void>,
  balance: () => bigint,
  readUntil: (isThere: () => boolean) => Promise<void>,
): Promise<bigint> {
  const before = balance()
  const failure = await ask().then(
    () => undefined,
    (thrown: unknown) => InfernetError.from(thrown, 'wallet.faucet-refused'),
  )
  if (failure && failure.code !== 'wallet.faucet-silent') throw failure
  await readUntil(() => balance() > before)
  const amount = balance() - before
  if (failure && amount <= 0n) throw failure
  return amount
}

interface Gift extends Pick<MovedEntry, 'id' | 'at' | 'amount'> {
  readonly address: Address
  readonly block: bigint | undefined
  readonly hash: Hash | undefined
}

/** What a gift is on record as. */
export function faucetEntry(network: NetworkFile, { address, block, ...gift }: Gift): MovedEntry {
  const { symbol, decimals } = payingEscrow(network)
  const { chainId } = network
  return {
    ...{ kind: 'moved', what: 'faucet', chainId, wallet: address.toLowerCase(), symbol, decimals },
    ...{ ...gift, state: 'mined', block: block === undefined ? undefined : Number(block) },
  }
}
