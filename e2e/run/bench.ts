/**
 * `npm run bench [-- name ...] [--quick | --long] [--only part-of-a-name ...]`, of a case of the engine, a part of the mesh or of trust, or an attack
 *
 * Measures and prints one JSON line a figure on standard output; what is skipped, and what misses its aim, stands on
 * standard error. No name runs all. A bench judges nothing: it fails only when something could not be measured.
 */
import { parseArgs } from 'node:util'
import { errorLine } from '#shared/errors/error-line.ts'
import { benchEngine } from '../bench/engine.ts'
import { printFigure, type BenchOptions } from '../bench/figure.ts'
import { benchHidden } from '../bench/hidden.ts'
import { benchMesh } from '../bench/mesh.ts'
import { benchMoney } from '../bench/money.ts'
import { benchSampler } from '../bench/sampler.ts'
import { benchTrust } from '../bench/trust.ts'
import { benchWalls } from '../bench/walls.ts'
import { benchWeights } from '../bench/weights.ts'

/** Each bench gives the names of what it could not measure. */
const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<readonly string[]>>> = {
  mesh: benchMesh,
  engine: benchEngine,
  sampler: benchSampler,
  hidden: benchHidden,
  money: benchMoney,
  weights: benchWeights,
  trust: benchTrust,
  walls: benchWalls,
}

process.exitCode = await bench().catch((thrown: unknown) => {
  console.error(errorLine(thrown))
  return 1
})

async function bench(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
    },
  })
  const known = Object.keys(BENCHES)
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`There is no bench named ${unknown.join(', ')}. The names: ${known.join(', ')}.`)
  const failed: string[] = []
  const options: BenchOptions = { ...values, print: printFigure }
  for (const name of positionals.length > 0 ? new Set(positionals) : known)
    failed.push(...((await BENCHES[name]?.(options)) ?? []))
  return failed.length > 0 ? 1 : 0
}
