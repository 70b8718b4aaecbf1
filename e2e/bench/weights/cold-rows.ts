import type { BenchOptions } from '../figure.ts'
import { startColdNetwork } from './cold-network.ts'
import { measureColdStarts, SEEDER_COUNTS } from './cold-start.ts'
import { measureHitRatios } from './hit-rows.ts'
import { measureRefetched } from './kill-rows.ts'
import { measureLoadPeaks } from './load-peak.ts'

/** What a visitor waits for from cold, what a killed tab costs, what a load takes, and what an eviction keeps. */
export async function benchWeightsFigures(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  const attempt = async (name: string, measure: () => Promise<void> | void): Promise<void> => {
    try {
      await measure()
    } catch (thrown) {
      console.error(`weights: ${name} could not be measured:`, thrown)
      failed.push(`weights: ${name}`)
    }
  }
  // Peaks are of bytes and not of time, so others may start meanwhile.
  const starting = startColdNetwork(SEEDER_COUNTS)
  starting.catch(() => undefined) // told where it is waited for
  await attempt('hit ratios', () => measureHitRatios(options))
  await attempt('peaks of loading', () => measureLoadPeaks(options))
  await attempt('cold starts', async () => {
    await using network = await starting
    await measureColdStarts(network, options)
    await attempt('kills', () => measureRefetched(network, options))
  })
  return failed
}
