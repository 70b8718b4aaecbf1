import type { BenchOptions } from './figure.ts'
import { benchOverhead } from './mesh/overhead.ts'
import { benchPageWeight } from './mesh/page-weight.ts'
import { benchRelayLoad } from './mesh/relay-load.ts'
import { benchStreams } from './mesh/streams.ts'
import { benchVisits } from './mesh/visits.ts'

/** Light things first; the relay's load last, because its clients are many processes' worth of work. */
const PARTS: readonly [name: string, run: (options: BenchOptions) => Promise<void>][] = [
  ['page weight', benchPageWeight],
  ['visits', benchVisits],
  ['streams', benchStreams],
  ['overhead', benchOverhead],
  ['relay load', benchRelayLoad],
]

/** How quickly a tab joins, provides and answers, what the mesh costs over the bare engine, and what a relay costs. */
export async function benchMesh(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  for (const [name, run] of PARTS) {
    if (options.only.length > 0 && !options.only.some((part) => name.includes(part))) continue
    try {
      await run(options)
    } catch (thrown) {
      failed.push(`mesh: ${name}`)
      console.error(`mesh: ${name} could not be measured:`, thrown)
    }
  }
  return failed
}
