/** What was deployed, and the one file that says it to page and relay. */
import { renameSync, writeFileSync } from 'node:fs'
import type { Address } from 'viem'
import { parseNetworkFile, type NetworkFile } from '#shared/chain/network-file.ts'

export interface Network {
  /** Told apart by people, e.g. `local` or `base-sepolia`. */
  readonly name: string
  readonly chainId: number
  /** What a page asks. */
  readonly rpcUrl: string
  /** No log of ours is older. */
  readonly deployBlock: number
  readonly addresses: {
    readonly timelock: Address
    readonly token: Address
    readonly models: Address
    readonly stake: Address
    /** The escrow of INF. */
    readonly escrow: Address
    readonly coin: Address
    /** The escrow of the stablecoin. */
    readonly coinEscrow: Address
  }
  readonly treasury: Address
  /** The stablecoin's own. */
  readonly coinSymbol: string
  readonly coinDecimals: number
  /** Its money is worth nothing. */
  readonly isTest: boolean
  /** Of the coin that pays for gas. */
  readonly nativeSymbol: string
  /** Expected between blocks. */
  readonly blockSeconds: number
  /** The base address of a block explorer. */
  readonly explorer?: string
}

/** @throws InfernetError `settle.bad-network-file` for what page and relay would refuse. */
export function toNetworkFile(network: Network): NetworkFile {
  const { addresses, name, chainId, deployBlock, treasury, isTest, nativeSymbol, blockSeconds } = network
  const { timelock, token, models, stake, escrow, coin, coinEscrow } = addresses
  const coinAsset = {
    asset: coin,
    escrow: coinEscrow,
    symbol: network.coinSymbol,
    decimals: network.coinDecimals,
    usdHint: 1,
  }
  return parseNetworkFile({
    version: 1,
    ...{ name, chainId, rpcUrls: [network.rpcUrl], isTest, nativeSymbol, blockSeconds, deployBlock },
    contracts: { timelock, token, models, stake, treasury },
    escrows: [{ asset: token, escrow, symbol: 'INF', decimals: 18 }, coinAsset],
    ...(network.explorer === undefined ? {} : { explorerUrl: network.explorer }),
  })
}

/** Whole or not at all: nobody reads half a network. */
export function writeNetwork(path: string, network: Network): void {
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, `${JSON.stringify(toNetworkFile(network), null, 2)}\n`)
  renameSync(draft, path)
}
