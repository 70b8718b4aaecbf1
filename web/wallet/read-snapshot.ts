import { erc20Abi, type Address, type Hex } from 'viem'
import { getBalance, getBlock, getChainId, readContract } from 'viem/actions'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import type { ChainClient } from './chain-client.ts'
import { explainFailure } from './explain-failure.ts'

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
  /** When a requested withdrawal may be finished, in seconds; 0 for none. */
  readonly withdrawAt: number
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

export type StakeState = 'none' | 'active' | 'jailed' | 'retired'

/** A provider's stake. Times are seconds. */
export interface StakeOnChain {
  readonly state: StakeState
  readonly stake: bigint
  readonly unbonding: bigint
  readonly unbondAt: number
  readonly unbondSeconds: number
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

/** As the contract numbers them. */
export const STAKE_STATES: readonly StakeState[] = ['none', 'active', 'jailed', 'retired']

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
    const [got, block] = await Promise.all([getChainId(client), getBlock(client)])
    if (got !== network.chainId)
      throw new InfernetError('wallet.foreign-node', { got, wanted: network.chainId })
    const at = { blockNumber: block.number }
    const [native, stake, ...escrows] = await Promise.all([
      getBalance(client, { address, ...at }),
      readStake(client, network.contracts.stake, address, block.number),
      ...network.escrows.map((entry, i) => readEscrow(client, entry, address, sessionKeys[i], block.number)),
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
  blockNumber: bigint,
): Promise<EscrowOnChain> {
  const at = { address: escrow, abi: escrowAbi, blockNumber } as const
  const [balance, allowance, account, credit, isPaused, config, session] = await Promise.all([
    readContract(client, {
      address: asset,
      abi: erc20Abi,
      functionName: 'balanceOf',
      args: [payer],
      blockNumber,
    }),
    readContract(client, {
      address: asset,
      abi: erc20Abi,
      functionName: 'allowance',
      args: [payer, escrow],
      blockNumber,
    }),
    readContract(client, { ...at, functionName: 'account', args: [payer] }),
    readContract(client, { ...at, functionName: 'creditOf', args: [payer] }),
    readContract(client, { ...at, functionName: 'isPaused' }),
    readContract(client, { ...at, functionName: 'config' }),
    key === undefined
      ? undefined
      : readContract(client, { ...at, functionName: 'session', args: [payer, key] }),
  ])
  const owed = await readContract(client, { ...at, functionName: 'defaultOf', args: [payer, account.epoch] })
  return {
    asset,
    escrow,
    symbol,
    decimals,
    usdHint,
    balance,
    allowance,
    deposit: account.balance,
    bond: account.bond,
    epoch: account.epoch,
    withdrawAt: account.withdrawAt,
    defaultClosesAt: owed.closesAt,
    credit,
    isPaused,
    bondBps: config.bondBps,
    shares: {
      relayBps: config.relayBps,
      burnBps: config.burnBps,
      treasuryBps: config.treasuryBps,
    },
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
  const at = { address: stake, abi: stakeAbi, blockNumber } as const
  const [found, peerKey, config] = await Promise.all([
    readContract(client, { ...at, functionName: 'operatorOf', args: [operator] }),
    readContract(client, { ...at, functionName: 'peerKeyOf', args: [operator] }),
    readContract(client, { ...at, functionName: 'config' }),
  ])
  return {
    state: STAKE_STATES[found.state] ?? 'none',
    stake: found.stake,
    unbonding: found.unbonding,
    unbondAt: found.unbondAt,
    unbondSeconds: config.unbondSeconds,
    minimum: config.minimum,
    peerKey,
  }
}
