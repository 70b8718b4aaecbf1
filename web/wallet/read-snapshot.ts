import type { Address, Hex } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { assetAt, escrowAt, stakeAt, stakeState, type StakeState } from '#shared/chain/reads.ts'
import type { ChainClient } from './chain-client.ts'
import { explainFailure } from './explain-failure.ts'
import { withdrawableAt, type WithdrawalQuestion } from './withdrawable-at.ts'

/** A session key's limits as the chain has them. Times are seconds. */
export interface SessionOnChain {
  readonly key: Address
  readonly cap: bigint
  readonly spent: bigint
  readonly expiry: number
}

/** What others than provider and publisher get of a payment, in basis points. */
export interface Shares {
  readonly relayBps: number
  readonly burnBps: number
  readonly treasuryBps: number
}

/** A payer's money in one escrow. */
export interface EscrowOnChain {
  readonly asset: Address
  readonly escrow: Address
  readonly symbol: string
  readonly decimals: number
  readonly usdHint: number | undefined
  /** Of the asset, in the wallet. */
  readonly balance: bigint
  /** What the escrow may take from the wallet. */
  readonly allowance: bigint
  readonly deposit: bigint
  readonly bond: bigint
  readonly epoch: number
  /** When the grace of a requested withdrawal ends, in seconds; 0 for none. */
  readonly withdrawAt: number
  /** When it may be finished, as far as is known now, in seconds; 0 for none. */
  readonly withdrawableAt: number
  /** When the open default is shared out, in seconds; 0 for none. */
  readonly defaultClosesAt: number
  /** Tips, royalties and refused payments that wait here. */
  readonly credit: bigint
  readonly isPaused: boolean
  readonly bondBps: number
  readonly shares: Shares
  readonly graceSeconds: number
  /** What a provider without stake may claim in a day. */
  readonly unstakedDailyCap: bigint
  readonly session: SessionOnChain | undefined
}

/** A provider's stake. Times are seconds. */
export interface StakeOnChain {
  readonly state: StakeState
  readonly stake: bigint
  readonly unbonding: bigint
  readonly unbondAt: number
  readonly unbondSeconds: number
  /** How long it may be withdrawn after that; what is left then is stake again. */
  readonly withdrawSeconds: number
  readonly minimum: bigint
  readonly peerKey: Hex
}

/** Everything about one wallet, read at one block. */
export interface Snapshot {
  readonly address: Address
  readonly block: { readonly number: bigint; readonly hash: Hex; readonly timestamp: number }
  /** Of the coin that pays for gas. */
  readonly native: bigint
  /** In the order of the network file. */
  readonly escrows: readonly EscrowOnChain[]
  readonly stake: StakeOnChain
}

export interface SnapshotQuestion {
  readonly address: Address
  /** This tab's session key in each escrow, in the order of the network file. */
  readonly sessionKeys: readonly (Address | undefined)[]
}

/**
 * Reads all that a wallet's page shows, all of it at the same block, so that the parts fit together.
 *
 * @throws InfernetError `wallet.unreachable`, `wallet.foreign-node`
 */
export async function readSnapshot(
  client: ChainClient,
  network: NetworkFile,
  { address, sessionKeys }: SnapshotQuestion,
): Promise<Snapshot> {
  try {
    const [got, block] = await Promise.all([client.getChainId(), client.getBlock()])
    if (got !== network.chainId)
      throw new InfernetError('wallet.foreign-node', { got, wanted: network.chainId })
    const [native, stake, ...escrows] = await Promise.all([
      client.getBalance({ address, blockNumber: block.number }),
      readStake(client, network.contracts.stake, address, block.number),
      ...network.escrows.map((entry, i) => readEscrow(client, entry, address, sessionKeys[i], block)),
    ])
    const { number, hash, timestamp } = block
    return { address, block: { number, hash, timestamp: Number(timestamp) }, native, stake, escrows }
  } catch (thrown) {
    throw explainFailure(thrown)
  }
}

async function readEscrow(
  client: ChainClient,
  { asset, escrow, symbol, decimals, usdHint }: NetworkFile['escrows'][number],
  payer: Address,
  key: Address | undefined,
  block: WithdrawalQuestion['block'],
): Promise<EscrowOnChain> {
  const blockNumber = block.number
  const assets = assetAt(client, asset, blockNumber)
  const read = escrowAt(client, escrow, blockNumber)
  const [balance, allowance, account, credit, isPaused, config, session] = await Promise.all([
    assets('balanceOf', payer),
    assets('allowance', payer, escrow),
    read('account', payer),
    read('creditOf', payer),
    read('isPaused'),
    read('config'),
    key && read('session', payer, key),
  ])
  const { withdrawAt } = account
  const [owed, freeAt] = await Promise.all([
    read('defaultOf', payer, account.epoch),
    withdrawableAt(client, { escrow, payer, withdrawAt, block }),
  ])
  return {
    ...{ asset, escrow, symbol, decimals, usdHint, balance, allowance, credit, isPaused },
    deposit: account.balance,
    bond: account.bond,
    epoch: account.epoch,
    withdrawAt,
    withdrawableAt: freeAt,
    defaultClosesAt: owed.closesAt,
    bondBps: config.bondBps,
    shares: { relayBps: config.relayBps, burnBps: config.burnBps, treasuryBps: config.treasuryBps },
    unstakedDailyCap: config.unstakedDailyCap,
    graceSeconds: config.graceSeconds,
    session: key && session && session.expiry > 0 ? { key, ...session } : undefined,
  }
}

async function readStake(
  client: ChainClient,
  stake: Address,
  operator: Address,
  blockNumber: bigint,
): Promise<StakeOnChain> {
  const read = stakeAt(client, stake, blockNumber)
  const [found, peerKey, config] = await Promise.all([
    read('operatorOf', operator),
    read('peerKeyOf', operator),
    read('config'),
  ])
  return {
    state: stakeState(found.state),
    stake: found.stake,
    unbonding: found.unbonding,
    unbondAt: found.unbondAt,
    unbondSeconds: config.unbondSeconds,
    withdrawSeconds: config.withdrawSeconds,
    minimum: config.minimum,
    peerKey,
  }
}
