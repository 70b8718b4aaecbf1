import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createPublicClient,
  createWalletClient,
  erc20Abi,
  http,
  type Address,
  type ContractFunctionParameters,
  type Hex,
  type PublicClient,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { modelsAbi } from '#shared/abi/models.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { ESCROW } from '../../contracts/script/parameters.ts'
import type { LocalChain } from './local-chain.ts'

/** What the publisher of the demo asks: a twentieth. */
const DEMO_ROYALTY_BPS = 500
const SETTLE_LIMIT_MS = 60_000
const BPS = 10_000n

/** In how many parts an answer was settled: each claim has its own tip, each payout its own rounding. */
export interface SettledParts {
  /** What each claim paid. */
  readonly claims: readonly bigint[]
  /** What each payout divided. */
  readonly sweeps: readonly bigint[]
}

/** What was claimed, and how everybody's holdings moved with it. */
export interface Settlement extends SettledParts {
  readonly claimed: bigint
  readonly moved: {
    readonly provider: bigint
    readonly publisher: bigint
    readonly relay: bigint
    readonly treasury: bigint
    readonly burned: bigint
  }
}

/** Publishes a model for a new publisher, who lives from then on by its royalty. */
export async function publishModel(chain: LocalChain, manifest: Hex, name: string): Promise<Address> {
  const { client, wallet } = clientsOf(chain)
  const publisher = privateKeyToAccount(generatePrivateKey()).address
  const hash = await wallet.writeContract({
    address: chain.network.contracts.models,
    abi: modelsAbi,
    functionName: 'publish',
    args: [manifest, name, 0, DEMO_ROYALTY_BPS, publisher],
  })
  const { status } = await client.waitForTransactionReceipt({ hash })
  if (status !== 'success') throw new Error('the model was not published')
  return publisher
}

/**
 * Waits until a relay has carried claims of all that is due to the chain and swept them, then reads what everybody has.
 * A slow answer may be claimed in parts, the first ones while it is still written.
 *
 * Everybody but the publisher is named by the claims themselves; nobody had anything before, on a chain of its own.
 */
export async function waitForSettlement(
  chain: LocalChain,
  { publisher, supplyBefore, due }: { publisher: Address; supplyBefore: bigint; due: bigint },
): Promise<Settlement> {
  const { client } = clientsOf(chain)
  const until = performance.now() + SETTLE_LIMIT_MS
  let claimed = 0n
  let swept = 0n
  while (performance.now() < until) {
    const { first, claims, sweeps } = await settledParts(client, chain.network)
    claimed = sumOf(claims)
    swept = sumOf(sweeps)
    // Nothing moves any more: what is read after this belongs to these parts.
    if (first && claimed >= due && swept >= claimed) {
      const moved = await movedTo(client, chain.network, { ...first, publisher, supplyBefore })
      return { claimed, claims, sweeps, moved }
    }
    await sleep(250)
  }
  throw new Error(`of ${due} units, ${claimed} were claimed and ${swept} swept within a minute`)
}

async function movedTo(
  client: PublicClient,
  network: NetworkFile,
  who: { provider: Address; publisher: Address; relay: Address; supplyBefore: bigint },
): Promise<Settlement['moved']> {
  const owners = [who.provider, who.publisher, who.relay, network.contracts.treasury]
  const { holdings, supply } = await readHoldings(client, network, owners)
  const [provider = 0n, publisher = 0n, relay = 0n, treasury = 0n] = holdings
  return { provider, publisher, relay, treasury, burned: who.supplyBefore - supply }
}

/** In which parts answers were settled from that block on, and whom the first claim names. */
export async function settledParts(
  client: PublicClient,
  network: NetworkFile,
  { fromBlock = 0n }: { fromBlock?: bigint } = {},
): Promise<SettledParts & { readonly first: { provider: Address; relay: Address } | undefined }> {
  const within = { address: main(network).escrow, abi: escrowAbi, strict: true, fromBlock } as const
  const [claimed, swept] = await Promise.all([
    client.getContractEvents({ ...within, eventName: 'Claimed' }),
    client.getContractEvents({ ...within, eventName: 'Swept' }),
  ])
  return {
    claims: claimed.map(({ args }) => args.paid),
    sweeps: swept.map(({ args }) => args.gross),
    first: claimed[0]?.args,
  }
}

export async function readSupply(chain: LocalChain): Promise<bigint> {
  const { client } = clientsOf(chain)
  return client.readContract({
    address: main(chain.network).asset,
    abi: erc20Abi,
    functionName: 'totalSupply',
  })
}

export interface SharesInit {
  /** @default what the publisher of the demo asks */
  readonly royaltyBps?: number
  /** False for a provider that claims itself. @default true */
  readonly isCarried?: boolean
}

/** What the shares of the deployment make of one claim that is paid out by itself. */
export function expectedShares(claimed: bigint, init?: SharesInit): Settlement['moved'] {
  return expectedSharesOf({ claims: [claimed], sweeps: [claimed] }, init)
}

/** The same where it went in parts. The shares of each are rounded down, the rest is the provider's. */
export function expectedSharesOf(
  { claims, sweeps }: SettledParts,
  { royaltyBps = DEMO_ROYALTY_BPS, isCarried = true }: SharesInit = {},
): Settlement['moved'] {
  const partOf = (amount: bigint, bps: number): bigint => (amount * BigInt(bps)) / BPS
  const share = (bps: number): bigint => sumOf(sweeps.map((gross) => partOf(gross, bps)))
  const tipOf = (paid: bigint): bigint => {
    const tip = partOf(paid, ESCROW.tipBps)
    return tip < ESCROW.tipCap ? tip : ESCROW.tipCap
  }
  const publisher = share(royaltyBps)
  const relayed = share(ESCROW.relayBps)
  const burned = share(ESCROW.burnBps)
  const treasury = share(ESCROW.treasuryBps)
  const tip = isCarried ? sumOf(claims.map(tipOf)) : 0n
  return {
    provider: sumOf(sweeps) - publisher - relayed - burned - treasury - tip,
    publisher,
    relay: relayed + tip,
    treasury,
    burned,
  }
}

export function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n)
}

/**
 * What each of these has now, credits in the escrow included, and the supply: all in one call. A node that is making a
 * block answers calls by the state before it and after it, even where they name the same block.
 */
export async function readHoldings(
  client: PublicClient,
  network: NetworkFile,
  owners: readonly Address[],
): Promise<{ readonly holdings: readonly bigint[]; readonly supply: bigint }> {
  const { asset, escrow } = main(network)
  const calls: ContractFunctionParameters[] = owners.flatMap((owner) => [
    { address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [owner] },
    { address: escrow, abi: escrowAbi, functionName: 'creditOf', args: [owner] },
  ])
  const [supply = 0n, ...parts] = (await client.multicall({
    ...{ allowFailure: false, deployless: true },
    contracts: [{ address: asset, abi: erc20Abi, functionName: 'totalSupply' }, ...calls],
  })) as bigint[]
  return { supply, holdings: owners.map((_, i) => (parts[2 * i] ?? 0n) + (parts[2 * i + 1] ?? 0n)) }
}

function clientsOf({ anvil, faucetKeyFile }: LocalChain) {
  const account = privateKeyToAccount(readFileSync(faucetKeyFile, 'utf8').trim() as Hex)
  const transport = http(anvil.url)
  const pollingInterval = 20
  return {
    client: createPublicClient({ chain: foundry, transport, pollingInterval }),
    wallet: createWalletClient({ chain: foundry, transport, account, pollingInterval }),
  }
}

function main(network: NetworkFile): NetworkFile['escrows'][number] {
  const [first] = network.escrows
  if (!first) throw new Error('the network has no escrow')
  return first
}
