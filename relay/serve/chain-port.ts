import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { JsonRoute } from './json-post.ts'

/** `/health` of the chain. */
export interface ChainHealth {
  readonly chainId: number
  /** The newest block that was seen; undefined before the first. */
  readonly block: number | undefined
  /** Seconds since that block was made. */
  readonly headAgeSeconds: number | undefined
}

/** What the public port serves of a chain. */
export interface ChainPort {
  readonly network: NetworkFile
  /** Whom quotes name for the relay's share; undefined for nobody. */
  readonly payee: `0x${string}` | undefined
  readonly health: () => ChainHealth
  readonly rpc: JsonRoute
  readonly faucet: JsonRoute | undefined
}
