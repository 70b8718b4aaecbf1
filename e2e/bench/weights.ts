import { benchThroughput } from './weights/throughput.ts'
import type { BenchOptions } from './figure.ts'

/** How fast weights travel from tab to tab, and what they cost, beside other ways. */
export async function benchWeights(options: BenchOptions): Promise<readonly string[]> {
  try {
    await benchThroughput(options)
    return []
  } catch (thrown) {
    console.error('weights: throughput could not be measured:', thrown)
    return ['weights: throughput']
  }
}
