import {
  encodeFunctionData,
  erc20Abi,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type Hex,
} from 'viem'
import { escrowAbi } from '../abi/escrow.ts'
import { stakeAbi } from '../abi/stake.ts'
import { encodeClaim, type ChainVoucher } from './encode-claim.ts'

/** One call of a contract, ready to be sent. */
export interface Call {
  readonly to: Address
  readonly data: Hex
  /** Of the coin that pays for gas. */
  readonly value?: bigint
}

/** Where what was claimed waits for its shares. */
export interface Pot {
  readonly provider: Address
  readonly model: Hex
  readonly relay: Address
}

/** Typed from the ABI: a wrong argument does not compile. */
export function dataOf<const A extends Abi>(abi: A) {
  return <N extends ContractFunctionName<A, 'nonpayable'>>(
    functionName: N,
    args: ContractFunctionArgs<A, 'nonpayable', N>,
  ): Hex => encodeFunctionData<Abi, string>({ abi, functionName, args: args as readonly unknown[] })
}

export const escrowData = dataOf(escrowAbi)
export const stakeData = dataOf(stakeAbi)

/** A call of the asset itself. */
export function erc20Call(
  asset: Address,
  functionName: 'approve' | 'transfer',
  args: readonly [Address, bigint],
): Call {
  return { to: asset, data: encodeFunctionData({ abi: erc20Abi, functionName, args }) }
}

/** Brings vouchers to the chain; anybody may, for whomever they pay. */
export function claimCall(escrow: Address, batch: readonly ChainVoucher[]): Call {
  return { to: escrow, data: encodeClaim(batch) }
}

/** Pays out what a pot holds. */
export function sweepCall(escrow: Address, { provider, model, relay }: Pot): Call {
  return { to: escrow, data: escrowData('sweep', [provider, model, relay]) }
}

/** Fetches what is credited to `owner`. */
export function collectCall(escrow: Address, owner: Address): Call {
  return { to: escrow, data: escrowData('collect', [owner]) }
}
