import type { BenchOptions } from './figure.ts'
import { benchWeightsFigures } from './weights/cold-rows.ts'
import { benchThroughput } from './weights/throughput.ts'

/** How fast weights travel from tab to tab, and what they cost, beside other ways. */
export async function benchWeights(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  try {
    await benchThroughput(options)
  } catch (thrown) {
    console.error('weights: throughput could not be measured:', thrown)
    failed.push('weights: throughput')
  }
  return [...failed, ...(await benchWeightsFigures(options))]
}
