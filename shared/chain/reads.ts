import {
  erc20Abi,
  parseAbi,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  type PublicClient,
} from 'viem'
import { escrowAbi } from '../abi/escrow.ts'
import { stakeAbi } from '../abi/stake.ts'

/** What is asked of viem: any public client does, over whatever transport. */
export type ReadingClient = Pick<PublicClient, 'readContract'>

type View<A extends Abi> = ContractFunctionName<A, 'pure' | 'view'>

/** Typed from the ABI: a wrong argument does not compile. @throws viem's errors */
export type Read<A extends Abi> = <N extends View<A>>(
  functionName: N,
  ...args: ContractFunctionArgs<A, 'pure' | 'view', N> & readonly unknown[]
) => Promise<ContractFunctionReturnType<A, 'pure' | 'view', N>>

/** One contract of a kind, read at that block; without one, at the newest. */
export type ReadsAt<A extends Abi> = (
  client: ReadingClient,
  address: Address,
  blockNumber?: bigint,
) => Read<A>

/** Reads of one kind of contract, as in `escrowAt(client, address, block)('account', payer)`. */
export function readsOf<const A extends Abi>(abi: A): ReadsAt<A> {
  return (client, address, blockNumber) =>
    (functionName, ...args) =>
      client.readContract<Abi, string, readonly unknown[]>({
        ...{ abi, address, functionName, args },
        ...(blockNumber === undefined ? {} : { blockNumber }),
      }) as Promise<never>
}

export const escrowAt: ReadsAt<typeof escrowAbi> = readsOf(escrowAbi)
export const stakeAt: ReadsAt<typeof stakeAbi> = readsOf(stakeAbi)
export const assetAt: ReadsAt<typeof erc20Abi> = readsOf(erc20Abi)
/** The parts of ERC-2612 and EIP-5267 that a permit is made from. */
export const permitAbi = parseAbi([
  'function nonces(address owner) view returns (uint256)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
])
export const permitAt: ReadsAt<typeof permitAbi> = readsOf(permitAbi)

export type StakeState = 'none' | 'active' | 'jailed' | 'retired'

/** As the contract numbers them. */
const STAKE_STATES: readonly StakeState[] = ['none', 'active', 'jailed', 'retired']

export function stakeState(number: number): StakeState {
  return STAKE_STATES[number] ?? 'none'
}
