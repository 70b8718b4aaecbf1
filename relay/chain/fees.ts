import type { PublicClient } from 'viem'

/** What a transaction offers, in base units of the coin for each unit of gas. */
export interface Fees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** Nodes want an eighth more to replace one. */
const RAISE_PERCENT = 130n

/** Room for a base fee that doubles. */
export async function feesNow(client: PublicClient): Promise<Fees> {
  const [block, tip] = await Promise.all([client.getBlock(), client.estimateMaxPriorityFeePerGas()])
  const base = block.baseFeePerGas ?? 0n
  return { maxFeePerGas: 2n * base + tip, maxPriorityFeePerGas: tip }
}

/** What takes the place of another one, and is not below what is asked for by now. */
export function raised(last: Fees, now: Fees): Fees {
  const higher = (a: bigint, b: bigint): bigint =>
    (a * RAISE_PERCENT) / 100n > b ? (a * RAISE_PERCENT) / 100n : b
  return {
    maxFeePerGas: higher(last.maxFeePerGas, now.maxFeePerGas),
    maxPriorityFeePerGas: higher(last.maxPriorityFeePerGas, now.maxPriorityFeePerGas),
  }
}
