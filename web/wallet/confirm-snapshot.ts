import type { Address } from 'viem'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { assetAt, escrowAt, stakeAt, stakeState } from '#shared/chain/reads.ts'
import type { ChainClient } from './chain-client.ts'
import type { Snapshot } from './read-snapshot.ts'

/** What is looked at twice: what somebody could be cheated with. Not the configuration, which moves nobody's money. */
type Vital = readonly (bigint | number | string | undefined)[]

/**
 * Has other nodes read the same amounts at the same block: a relay that tells the true block and a false balance is
 * found out as well. `true` when all that answer agree; `undefined` when none answers.
 *
 * A node that is behind, or that has forgotten the block's state, says nothing of it and is no witness. One question in
 * one request to each, a third of what the page itself reads.
 */
export async function isConfirmedBy(
  witnesses: readonly ChainClient[],
  network: NetworkFile,
  snapshot: Snapshot,
): Promise<boolean | undefined> {
  const told = vitalOf(snapshot)
  const answers = await Promise.all(
    witnesses.map((witness) =>
      readVital(witness, network, snapshot).then(
        (seen) => seen.length === told.length && seen.every((value, i) => value === told[i]),
        () => undefined,
      ),
    ),
  )
  const heard = answers.filter((answer) => answer !== undefined)
  return heard.length === 0 ? undefined : heard.every(Boolean)
}

function vitalOf({ block, native, escrows, stake }: Snapshot): Vital {
  return [
    block.hash,
    native,
    stake.stake,
    stake.unbonding,
    stake.state,
    ...escrows.flatMap(({ balance, deposit, bond, epoch, withdrawAt, session }) => [
      ...[balance, deposit, bond, epoch, withdrawAt],
      ...[session?.cap ?? 0n, session?.spent ?? 0n, session?.expiry ?? 0],
    ]),
  ]
}

/** The same as {@link vitalOf}, from that node. Of another branch the hash alone is told: its state proves nothing. */
async function readVital(
  client: ChainClient,
  { contracts, escrows }: NetworkFile,
  { address, block, escrows: told }: Snapshot,
): Promise<Vital> {
  const at = { blockNumber: block.number }
  const seen = client.getBlock(at)
  const amounts = Promise.all([
    client.getBalance({ address, ...at }),
    stakeAt(client, contracts.stake, block.number)('operatorOf', address),
    ...escrows.map((entry, i) => readFunds(client, entry, address, told[i]?.session?.key, block.number)),
  ])
  amounts.catch(() => undefined) // heard below, unless the block decides first
  const { hash } = await seen
  if (hash !== block.hash) return [hash]
  const [native, { stake, unbonding, state }, ...funds] = await amounts
  return [hash, native, stake, unbonding, stakeState(state), ...funds.flat()]
}

async function readFunds(
  client: ChainClient,
  { asset, escrow }: NetworkFile['escrows'][number],
  payer: Address,
  key: Address | undefined,
  blockNumber: bigint,
): Promise<Vital> {
  const read = escrowAt(client, escrow, blockNumber)
  const [balance, account, session] = await Promise.all([
    assetAt(client, asset, blockNumber)('balanceOf', payer),
    read('account', payer),
    key && read('session', payer, key),
  ])
  return [
    ...[balance, account.balance, account.bond, account.epoch, account.withdrawAt],
    ...[session?.cap ?? 0n, session?.spent ?? 0n, session?.expiry ?? 0],
  ]
}
