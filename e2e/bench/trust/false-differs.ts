import { wilsonInterval } from '#shared/verify/statistics/binomial.ts'
import type { BenchOptions } from '../figure.ts'
import type { CheckPool } from './check-pool.ts'
import type { Tally } from './tally.ts'

/** Answers of 256 tokens: each is read as four checks of 64. */
const ANSWERS = 500
const LONG_ANSWERS = 2500
const QUICK_ANSWERS = 32

/** How often an honest answer is said to differ, both sides on wasm: the most that it may be, by the 95 % interval. */
export async function measureFalseDiffers(pool: CheckPool, options: BenchOptions): Promise<void> {
  const { quick, long, print } = options
  const begun = performance.now()
  const tally = await pool.check(undefined, quick ? QUICK_ANSWERS : long ? LONG_ANSWERS : ANSWERS)
  printHonest(tally, { pair: 'wasm × wasm', print })
  console.error(`trust: honest pairs on wasm took ${((performance.now() - begun) / 1000).toFixed(0)} s`)
}

/** Two lines for each length: the bound on false *differs*, and how many honest checks said *agrees*. */
export function printHonest(
  tally: Tally,
  {
    model = 'infernet-tiny',
    dtype = 'fp32',
    pair,
    adapter,
    print,
  }: { model?: string; dtype?: string; pair: string; adapter?: string } & Pick<BenchOptions, 'print'>,
): void {
  for (const { tokens, checks, differs, agrees, largestMargin, largestSketchDistance } of tally.lengths) {
    const at = { model, dtype, pair, ...(adapter ? { adapter } : {}), tokens }
    const { rate, low, high } = wilsonInterval(differs, checks)
    const seen = `largest margin ${largestMargin.toPrecision(2)}, largest sketch distance ${largestSketchDistance.toPrecision(2)} logits`
    const note = `${differs} of ${checks} checks of parts of ${tally.answers} answers (rate ${rate}); ${seen}`
    print({
      ...{ bench: 'trust', metric: 'falseDiffers', case: at, value: high, unit: 'share' },
      ...{ low, high, runs: checks, note },
    })
    const agreed = wilsonInterval(agrees, checks)
    print({
      ...{ bench: 'trust', metric: 'honestAgrees', case: at, value: agreed.rate, unit: 'share' },
      ...{ low: agreed.low, high: agreed.high, runs: checks },
    })
  }
}
