import { erc20Abi, parseAbi, toFunctionSelector, type Abi, type AbiFunction } from 'viem'
import { escrowAbi } from '../abi/escrow.ts'
import { modelsAbi } from '../abi/models.ts'
import { stakeAbi } from '../abi/stake.ts'
import { testCoinAbi } from '../abi/test-coin.ts'
import type { NetworkFile } from './network-file.ts'
import { permitAbi } from './reads.ts'

/**
 * What a call does.
 *
 * - `read`: asks a contract of ours, or an asset, and runs no other code
 * - `check`: asks an escrow about a voucher, which may run the payer's own contract (ERC-1271)
 * - `act`: tries what changes something
 * - `many`: tries to change many things at once
 * - `coin`: sends the coin that pays for gas, with no data; whoever gets it may be a contract
 */
export type CallKind = 'read' | 'check' | 'act' | 'many' | 'coin'

/** Tells what a call does from its target and its data (hex); undefined for what is none of ours. */
export type FindCallKind = (to: string, data: string) => CallKind | undefined

/** `0x` and the four bytes that name a function. */
const SELECTOR_CHARACTERS = 10

/** Views that verify a signature. */
const CHECKS: ReadonlySet<string> = new Set(['claimable'])

/** What takes a list of vouchers, and what writes to each of an operator's keys. */
const MANY: ReadonlySet<string> = new Set(['claim', 'claimToPot', 'jail', 'unjail'])

/** What assets of the network are asked: all parts of ERC-20, and of ERC-2612 what a permit is made from. */
const ASSET_ABIS: readonly Abi[] = [
  erc20Abi,
  permitAbi,
  parseAbi(['function DOMAIN_SEPARATOR() view returns (bytes32)']),
]

/**
 * The calls that anybody may have a relay ask of its chain: of the network's own contracts and assets, by selector. All
 * else is somebody's own code, which takes as much time as somebody likes.
 */
export function forwardedCalls({ contracts, escrows, isTest }: NetworkFile): FindCallKind {
  const kinds = new Map<string, Map<string, CallKind>>()
  const add = (address: string, abi: Abi): void => {
    const known = kinds.get(address.toLowerCase()) ?? new Map<string, CallKind>()
    for (const item of abi) if (item.type === 'function') known.set(toFunctionSelector(item), kindOf(item))
    kinds.set(address.toLowerCase(), known)
  }
  add(contracts.models, modelsAbi)
  add(contracts.stake, stakeAbi)
  for (const asset of [contracts.token, ...escrows.map((each) => each.asset)]) {
    for (const abi of ASSET_ABIS) add(asset, abi)
    if (isTest) add(asset, testCoinAbi)
  }
  for (const { escrow } of escrows) add(escrow, escrowAbi)
  return (to, data) =>
    data === '0x'
      ? 'coin'
      : kinds.get(to.toLowerCase())?.get(data.slice(0, SELECTOR_CHARACTERS).toLowerCase())
}

function kindOf({ name, stateMutability }: AbiFunction): CallKind {
  if (stateMutability !== 'view' && stateMutability !== 'pure') return MANY.has(name) ? 'many' : 'act'
  return CHECKS.has(name) ? 'check' : 'read'
}
