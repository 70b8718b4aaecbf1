/** The stablecoin of a network: what it says of itself, and whether anybody can make it. */
import {
  BaseError,
  encodeFunctionData,
  HttpRequestError,
  TimeoutError,
  type Address,
  type Hex,
  type PublicClient,
} from 'viem'
import { testCoinAbi } from '#shared/abi/test-coin.ts'

export interface Coin {
  readonly symbol: string
  readonly decimals: number
  /** Anybody may mint it, so it is worth nothing. */
  readonly isFree: boolean
}

/** Nobody's: where it may mint, anybody may. */
const NOBODY: Address = '0x00000000000000000000000000000000000f4ee1'
/** No contract knows it. One that takes it takes any call, so that it says nothing by taking a mint. */
const UNKNOWN_CALL: Hex = '0x1f4ee001'

/** @throws Error that names the address, where there is no ERC-20 with a symbol and decimals; viem's errors. */
export async function readCoin(reader: PublicClient, address: Address): Promise<Coin> {
  const of = { address, abi: testCoinAbi } as const
  const said = Promise.all([
    reader.readContract({ ...of, functionName: 'symbol' }),
    reader.readContract({ ...of, functionName: 'decimals' }),
  ]).catch((cause: unknown) => {
    throw isUnanswered(cause)
      ? cause
      : new Error(`The coin ${address} does not tell its symbol and decimals.`, { cause })
  })
  const [[symbol, decimals], isFree] = await Promise.all([said, isFreeForAll(reader, address)])
  return { symbol, decimals, isFree }
}

async function isFreeForAll(reader: PublicClient, address: Address): Promise<boolean> {
  const mint = encodeFunctionData({ abi: testCoinAbi, functionName: 'mint', args: [NOBODY, 1n] })
  const passes = (data: Hex): Promise<boolean> =>
    reader.call({ account: NOBODY, to: address, data }).then(
      () => true,
      (thrown: unknown) => {
        if (isUnanswered(thrown)) throw thrown
        return false
      },
    )
  const [mints, takesAll] = await Promise.all([passes(mint), passes(UNKNOWN_CALL)])
  return mints && !takesAll
}

/** The node did not answer, so nothing is known. */
function isUnanswered(thrown: unknown): boolean {
  const isSilence = (cause: unknown): boolean =>
    cause instanceof HttpRequestError || cause instanceof TimeoutError
  return thrown instanceof BaseError && thrown.walk(isSilence) !== null
}
