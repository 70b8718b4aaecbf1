import type { Address } from 'viem'
import { testCoinAbi } from '../abi/test-coin.ts'
import { dataOf, type Call } from './calls.ts'

/** Makes units of a coin that anybody may mint. */
export function mintCall(coin: Address, to: Address, amount: bigint): Call {
  return { to: coin, data: dataOf(testCoinAbi)('mint', [to, amount]) }
}
