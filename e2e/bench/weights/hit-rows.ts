import { hitRatios, makeTrace, POLICIES, type Policy } from '#shared/testing/eviction-trace.ts'
import { median } from '../../fixtures/median.ts'
import type { BenchOptions } from '../figure.ts'

/** What the disk may hold, as a part of all models' bytes. */
const ROOMS = [0.05, 0.1, 0.2, 0.4]

/** Of all bytes that were wanted, the part that was here: each policy over the same months of uses. */
export function measureHitRatios({ quick, print }: Pick<BenchOptions, 'quick' | 'print'>): void {
  const traces = Array.from({ length: quick ? 3 : 9 }, (_, i) => makeTrace({ seed: i + 1 }))
  for (const room of quick ? [0.1] : ROOMS) {
    const runs = traces.map((trace) => hitRatios(trace, room * trace.sizes.reduce((sum, size) => sum + size)))
    const above = runs.filter((run) => run.gdsf > Math.max(run.lru, run.lfu)).length
    const of = (policy: Policy): readonly number[] => runs.map((run) => run[policy])
    for (const policy of POLICIES) {
      const value = median(of(policy))
      const row = {
        bench: 'weights',
        metric: 'hitRatio',
        case: { policy, room },
        value,
        unit: 'of all bytes wanted',
        low: Math.min(...of(policy)),
        high: Math.max(...of(policy)),
        runs: of(policy).length,
      } as const
      if (policy !== 'gdsf') print(row)
      else {
        const peerValue = Math.max(median(of('lru')), median(of('lfu')))
        const note = `above both in ${above} of ${runs.length} traces (200 models, 28 days, Zipf, daily waves, a sudden hit)`
        const beside = { peer: 'the better of lru and lfu', peerValue, ratio: value / peerValue, note }
        print({ ...row, ...beside }, { atLeast: 1, of: 'ratio' })
      }
    }
  }
}
