import { CHEATS } from '#shared/testing/cheats/cheats.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { wilsonInterval } from '#shared/verify/statistics/binomial.ts'
import type { Aim, BenchOptions } from '../figure.ts'
import type { CheckPool } from './check-pool.ts'
import { samplerOf, type Draws } from './questions.ts'
import type { LengthTally, Tally } from './tally.ts'

/** One row of figures: a cheat, and how its answers are drawn. */
interface PowerCase {
  readonly cheat: string
  readonly draws: Draws
  /** Of 256 tokens each; one holds two checks of 128 tokens. */
  readonly answers: number
  readonly aim?: Aim & { readonly tokens: number }
}

const MODEL = { model: 'infernet-tiny', dtype: 'fp32' }
const OTHER_ANSWERS = 32
const QUICK_ANSWERS = 16

const FEW_CHOICES =
  'At this low temperature the seed decides few tokens, and the sketches are right: parts of a text come out alike under any seed.'

/** Those with an aim get what the aim is measured by, the others enough to see that they are caught. */
const CASES: readonly PowerCase[] = [
  { cheat: 'smaller-model', draws: 'page', answers: 1000, aim: { tokens: 128, atLeast: 0.999 } },
  { cheat: 'other-seed', draws: 'warm', answers: 1000, aim: { tokens: 128, atLeast: 0.999 } },
  {
    cheat: 'other-seed',
    draws: 'page',
    answers: 128,
    aim: { tokens: 128, atLeast: 0.999, why: FEW_CHOICES },
  },
  { cheat: 'other-quantisation', draws: 'page', answers: 256, aim: { tokens: 256, atLeast: 0.99 } },
]

/** How often one check shows each cheat that a check can show: the rate of *differs*, with its 95 % interval. */
export async function measurePower(pool: CheckPool, { quick, only, print }: BenchOptions): Promise<void> {
  const model = await readTinyModel('fp32')
  for (const on of allCases()) {
    if (only.length > 0 && !only.some((part) => on.cheat.includes(part))) continue
    const begun = performance.now()
    const tally = await pool.check(on.cheat, quick ? QUICK_ANSWERS : on.answers, on.draws)
    const { temperature, topP } = samplerOf(on.draws, model)
    const sampler = `temperature ${temperature}, top-p ${topP}`
    for (const length of tally.lengths) printPower(on, { ...MODEL, sampler, length, tally, print })
    console.error(
      `trust: ${on.cheat} at ${sampler} took ${((performance.now() - begun) / 1000).toFixed(0)} s`,
    )
  }
}

function allCases(): readonly PowerCase[] {
  const aimed = new Set(CASES.map(({ cheat }) => cheat))
  const others = CHEATS.filter(({ name, caughtBy }) => caughtBy === 'check' && !aimed.has(name))
  return [
    ...CASES,
    ...others.map(({ name }): PowerCase => ({ cheat: name, draws: 'page', answers: OTHER_ANSWERS })),
  ]
}

interface PowerFigure extends Pick<BenchOptions, 'print'> {
  readonly model: string
  readonly dtype: string
  readonly sampler: string
  readonly length: LengthTally
  readonly tally: Tally
}

/** One line: how often a cheat differs at one length. */
export function printPower(
  { cheat, aim }: Pick<PowerCase, 'cheat' | 'aim'>,
  { model, dtype, sampler, length, tally, print }: PowerFigure,
): void {
  const { tokens, checks, differs } = length
  const { rate, low, high } = wilsonInterval(differs, checks)
  const note = `checks of parts of ${tally.answers} answers; low and high are Wilson's 95 % interval`
  const at = { model, dtype, cheat, sampler, tokens }
  const figure = { metric: 'power', case: at, value: rate, unit: 'share', low, high, runs: checks, note }
  print({ bench: 'trust', ...figure }, aim?.tokens === tokens ? aim : {})
}
