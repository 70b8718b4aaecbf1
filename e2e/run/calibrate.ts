import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { calibrate } from '#shared/verify/calibration/calibrate.ts'
import { unmeasuredEnvelope } from '#shared/verify/calibration/hard-limits.ts'
import { limitsFrom, parseCalibration } from '#shared/verify/calibration/calibration-file.ts'
import { sumUpPair, type Pair } from '#shared/verify/calibration/pair.ts'
import type { Findings } from '#shared/verify/verdict.ts'
import { tagOf } from '#shared/wire/versions.ts'
import { answer, check, type HonestAnswer } from '../calibrate/honest-checks.ts'
import { machinesHere, type Machine } from '../calibrate/machines.ts'
import { askings } from '../calibrate/prompts.ts'
import { readRecords } from '../calibrate/read-records.ts'

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'fp32' },
    /** Answers of each class; those of a GPU in software take seconds each. */
    answers: { type: 'string', default: '240' },
    'gpu-answers': { type: 'string', default: '60' },
    /** A file of golden records of the same model, see `e2e/calibrate/read-records.ts`. */
    records: { type: 'string' },
  },
})
const { profile } = values
if (profile !== 'fp32' && profile !== 'q4') throw new RangeError('The models at hand are fp32 and q4.')

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const counts = { wasm: Number(values.answers), webgpu: Number(values['gpu-answers']) }
const { model, machines } = await machinesHere(profile, say)
const pairs: Pair[] = []
for (const provider of machines) {
  const answers = await answersOf(provider)
  for (const verifier of machines) pairs.push(await measure(provider, verifier, answers))
}
const records =
  values.records === undefined ? undefined : calibrate(await readRecords(values.records), profile)
const calibration = parseCalibration({
  ...{ format: tagOf('file', 'calibration'), profile, model: model.manifest.id, at: Date.now() },
  ...{ pairs, agrees: limitsFrom(pairs, profile, records) },
  ...(records && { records }),
})
const file = new URL(`../../shared/verify/calibration/${profile}.json`, import.meta.url)
const style = await resolveConfig(file)
await writeFile(file, await format(JSON.stringify(calibration), { ...style, parser: 'json' }))
process.stdout.write(
  `${JSON.stringify({ profile, checks: pairs.map(({ checks }) => checks), agrees: calibration.agrees })}\n`,
)
// Dawn's threads do not end by themselves.
process.exit(0)

async function answersOf({ name, engine }: Machine): Promise<HonestAnswer[]> {
  const answers: HonestAnswer[] = []
  const wanted = askings(counts[name])
  // As many at once as the engine runs: a GPU in software writes eight as fast as one.
  const { streams } = engine.info
  for (let i = 0; i < wanted.length; i += streams) {
    const some = wanted.slice(i, i + streams)
    answers.push(...(await Promise.all(some.map((asking) => answer(engine, model.tokenizer, asking)))))
    say(`${name}: ${answers.length} answers`)
  }
  return answers
}

async function measure(
  provider: Machine,
  verifier: Machine,
  answers: readonly HonestAnswer[],
): Promise<Pair> {
  const findings: Findings[] = []
  for (const each of answers.slice(0, verifier.name === 'webgpu' ? counts.webgpu : answers.length))
    findings.push(await check(verifier.engine, each, unmeasuredEnvelope(model.manifest.dtype)))
  const pair = sumUpPair(provider.class, verifier.class, findings)
  say(
    `${provider.name} checked by ${verifier.name}: ${JSON.stringify(pair.sketchDistance)} ${pair.margins.join(' ')}`,
  )
  return pair
}
