import { CHEATS } from '#shared/testing/cheats/cheats.ts'
import { wilsonInterval } from '#shared/verify/statistics/binomial.ts'
import type { Aim, BenchOptions } from '../figure.ts'
import type { CheckPool } from './check-pool.ts'
import type { LengthTally, Tally } from './tally.ts'

/**
 * Answers of 256 tokens for each cheat; one holds two checks of 128 tokens. Those with an aim get what the aim is
 * measured by, the others enough to see that they are caught.
 */
const ANSWERS: Readonly<Record<string, number>> = {
  'smaller-model': 1000,
  'other-seed': 1000,
  'other-quantisation': 256,
}
const OTHER_ANSWERS = 32
const QUICK_ANSWERS = 16

interface PowerAim extends Aim {
  readonly tokens: number
}
const AIMS: Readonly<Record<string, PowerAim>> = {
  'smaller-model': { tokens: 128, atLeast: 0.999 },
  'other-seed': { tokens: 128, atLeast: 0.999 },
  'other-quantisation': { tokens: 256, atLeast: 0.99 },
}

/** How often one check shows each cheat that a check can show: the rate of *differs*, with its 95 % interval. */
export async function measurePower(pool: CheckPool, { quick, only, print }: BenchOptions): Promise<void> {
  for (const { name, caughtBy } of CHEATS) {
    if (caughtBy !== 'check' || (only.length > 0 && !only.some((part) => name.includes(part)))) continue
    const answers = quick ? QUICK_ANSWERS : (ANSWERS[name] ?? OTHER_ANSWERS)
    const begun = performance.now()
    const tally = await pool.check(name, 0, answers)
    for (const length of tally.lengths) printPower(name, { length, tally, print })
    console.error(`trust: ${name} took ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  }
}

function printPower(
  cheat: string,
  { length, tally, print }: { length: LengthTally; tally: Tally } & Pick<BenchOptions, 'print'>,
): void {
  const { tokens, checks, differs } = length
  const { rate, low, high } = wilsonInterval(differs, checks)
  const { tokens: aimed, ...aim } = AIMS[cheat] ?? { tokens: 0 }
  const note = `checks of parts of ${tally.answers} answers; low and high are Wilson's 95 % interval`
  const at = { model: 'infernet-tiny', dtype: 'fp32', cheat, tokens }
  print(
    { bench: 'trust', metric: 'power', case: at, value: rate, unit: 'share', low, high, runs: checks, note },
    aimed === tokens ? aim : {},
  )
}
