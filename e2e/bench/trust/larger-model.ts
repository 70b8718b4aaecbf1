import type { Engine } from '#shared/engine/engine.ts'
import { CHEATS, cheatNamed } from '#shared/testing/cheats/cheats.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import type { BenchOptions } from '../figure.ts'
import { checkLengths } from './check-lengths.ts'
import { printHonest } from './false-differs.ts'
import { loadLargerParts, type LargerParts } from './larger-parts.ts'
import { printPower } from './power.ts'
import { questionOf, samplerOf } from './questions.ts'
import { sumTallies, type Tally } from './tally.ts'

/** Of 256 tokens each: 200 checks of 32 tokens, and 175 longer ones. */
const ANSWERS = 25
const QUICK_ANSWERS = 1
const AT_ONCE = 16
const MODEL = { model: 'smol135-random', dtype: 'fp32' }

/** Honest checks and those of each cheat at 135M parameters, both sides on wasm. It takes half an hour. */
export async function measureLargerModel({ quick, print }: BenchOptions): Promise<void> {
  await using parts = await loadLargerParts()
  if (!parts) return console.error('trust: 135M is skipped: python3-onnx builds its model.')
  const count = quick ? QUICK_ANSWERS : ANSWERS
  printHonest(await checkAll(parts.honest, parts, count), { ...MODEL, pair: 'wasm × wasm', print })
  const { temperature, topP } = samplerOf('page', parts.model)
  const sampler = `temperature ${temperature}, top-p ${topP}`
  for (const { name, caughtBy } of CHEATS) {
    if (caughtBy !== 'check') continue
    const tally = await checkAll(cheatNamed(name).wrap(parts), parts, count)
    for (const length of tally.lengths)
      printPower({ cheat: name }, { ...MODEL, sampler, length, tally, print })
  }
}

async function checkAll(
  provider: Engine,
  { verifier, model }: Pick<LargerParts, 'verifier' | 'model'>,
  count: number,
): Promise<Tally> {
  const pair = { provider, verifier, envelope: envelopeFor('fp32') }
  const tallies: Tally[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) tallies.push(await checkLengths(pair, questionOf(next++, model)))
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work))
  return sumTallies(tallies)
}
