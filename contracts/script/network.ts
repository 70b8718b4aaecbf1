/** The one file that says where a network's contracts are; page and relay read it. */
import { renameSync, writeFileSync } from 'node:fs'
import type { Address } from 'viem'

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
  /** The base address of a block explorer. */
  readonly explorer?: string
  /** Where a test network gives coins away. */
  readonly faucet?: string
}

/** Whole or not at all: nobody reads half a network. */
export function writeNetwork(path: string, network: Network): void {
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, `${JSON.stringify(network, null, 2)}\n`)
  renameSync(draft, path)
}
