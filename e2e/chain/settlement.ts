import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createPublicClient,
  createWalletClient,
  erc20Abi,
  http,
  type Address,
  type Hex,
  type PublicClient,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { modelsAbi } from '#shared/abi/models.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import { ESCROW } from '../../contracts/script/parameters.ts'
import type { LocalChain } from './local-chain.ts'

/** What the publisher of the demo asks: a twentieth. */
const DEMO_ROYALTY_BPS = 500
const SETTLE_LIMIT_MS = 60_000
const BPS = 10_000n

/** Who has what, as the chain says; credits that wait in the escrow count as had. */
export interface Holdings {
  readonly provider: bigint
  readonly publisher: bigint
  readonly relay: bigint
  readonly treasury: bigint
  /** What was ever burned shows as units that are gone. */
  readonly supply: bigint
}

/** What was claimed, and how everybody's holdings moved with it. */
export interface Settlement {
  readonly claimed: bigint
  readonly moved: Omit<Holdings, 'supply'> & { readonly burned: bigint }
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
  const { escrow } = main(chain.network)
  const until = performance.now() + SETTLE_LIMIT_MS
  let claimed = 0n
  let swept = 0n
  while (performance.now() < until) {
    const claims = await client.getContractEvents({
      address: escrow,
      abi: escrowAbi,
      eventName: 'Claimed',
      fromBlock: 0n,
      strict: true,
    })
    const [first] = claims
    if (first) {
      const { provider, relay } = first.args
      const has = await readHoldings(client, chain.network, { provider, publisher, relay })
      const { supply, ...kept } = has
      const moved = { ...kept, burned: supplyBefore - supply }
      claimed = claims.reduce((sum, { args }) => sum + args.paid, 0n)
      swept = Object.values(moved).reduce((sum, amount) => sum + amount, 0n)
      if (claimed >= due && swept >= claimed) return { claimed, moved }
    }
    await sleep(250)
  }
  throw new Error(`of ${due} units, ${claimed} were claimed and ${swept} swept within a minute`)
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

/** What the shares of the deployment make of one claim. Parts are rounded down, the rest is the provider's. */
export function expectedShares(
  claimed: bigint,
  { royaltyBps = DEMO_ROYALTY_BPS, isCarried = true }: SharesInit = {},
): Settlement['moved'] {
  const part = (bps: number): bigint => (claimed * BigInt(bps)) / BPS
  const publisher = part(royaltyBps)
  const relayed = part(ESCROW.relayBps)
  const burned = part(ESCROW.burnBps)
  const treasury = part(ESCROW.treasuryBps)
  const carried = part(ESCROW.tipBps) < ESCROW.tipCap ? part(ESCROW.tipBps) : ESCROW.tipCap
  const tip = isCarried ? carried : 0n
  return {
    provider: claimed - publisher - relayed - burned - treasury - tip,
    publisher,
    relay: relayed + tip,
    treasury,
    burned,
  }
}

async function readHoldings(
  client: PublicClient,
  network: NetworkFile,
  who: { provider: Address; publisher: Address; relay: Address },
): Promise<Holdings> {
  const { asset, escrow } = main(network)
  // One block for all, or a sweep in between would be counted by halves.
  const blockNumber = await client.getBlockNumber()
  const has = async (owner: Address): Promise<bigint> => {
    const [balance, credit] = await Promise.all([
      client.readContract({
        address: asset,
        abi: erc20Abi,
        functionName: 'balanceOf',
        args: [owner],
        blockNumber,
      }),
      client.readContract({
        address: escrow,
        abi: escrowAbi,
        functionName: 'creditOf',
        args: [owner],
        blockNumber,
      }),
    ])
    return balance + credit
  }
  const [provider, publisher, relay, treasury, supply] = await Promise.all([
    has(who.provider),
    has(who.publisher),
    has(who.relay),
    has(network.contracts.treasury),
    client.readContract({ address: asset, abi: erc20Abi, functionName: 'totalSupply', blockNumber }),
  ])
  return { provider, publisher, relay, treasury, supply }
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
