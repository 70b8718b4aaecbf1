import type { PublicClient } from 'viem'

/** What a transaction offers, in base units of the coin for each unit of gas. */
export interface Fees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** Room for a base fee that doubles. */
export async function feesNow(
  client: Pick<PublicClient, 'getBlock' | 'estimateMaxPriorityFeePerGas'>,
): Promise<Fees> {
  const [block, tip] = await Promise.all([client.getBlock(), client.estimateMaxPriorityFeePerGas()])
  const base = block.baseFeePerGas ?? 0n
  return { maxFeePerGas: 2n * base + tip, maxPriorityFeePerGas: tip }
}

/**
 * What takes the place of another one, and is not below what is asked for by now.
 *
 * @param permille of the last fees: nodes want at least a tenth more to replace one
 */
export function raised(last: Fees, now: Fees, permille: bigint): Fees {
  const higher = (old: bigint, asked: bigint): bigint => {
    const more = (old * permille) / 1000n + 1n
    return more > asked ? more : asked
  }
  return {
    maxFeePerGas: higher(last.maxFeePerGas, now.maxFeePerGas),
    maxPriorityFeePerGas: higher(last.maxPriorityFeePerGas, now.maxPriorityFeePerGas),
  }
}
