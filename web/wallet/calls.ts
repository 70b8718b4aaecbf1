import {
  encodeFunctionData,
  erc20Abi,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type Hex,
} from 'viem'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import type { Call } from './call.ts'

type Name<A extends Abi> = ContractFunctionName<A, 'nonpayable'>

/** Typed from the ABI: a wrong argument does not compile. */
export function escrowData<N extends Name<typeof escrowAbi>>(
  functionName: N,
  args: ContractFunctionArgs<typeof escrowAbi, 'nonpayable', N>,
): Hex {
  return encodeFunctionData<Abi, string>({ abi: escrowAbi, functionName, args: args as readonly unknown[] })
}

export function stakeData<N extends Name<typeof stakeAbi>>(
  functionName: N,
  args: ContractFunctionArgs<typeof stakeAbi, 'nonpayable', N>,
): Hex {
  return encodeFunctionData<Abi, string>({ abi: stakeAbi, functionName, args: args as readonly unknown[] })
}

/** A call of the asset itself. */
export function erc20Call(
  asset: Address,
  functionName: 'approve' | 'transfer',
  args: readonly [Address, bigint],
): Call {
  return { to: asset, data: encodeFunctionData({ abi: erc20Abi, functionName, args }) }
}
