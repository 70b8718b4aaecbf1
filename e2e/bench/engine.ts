import { aimOf } from './engine/aims.ts'
import { NoAdapter, openBenchTab, SIDES } from './engine/bench-tab.ts'
import { CASES, nameOf, type EngineCase } from './engine/cases.ts'
import { linesOf } from './engine/lines.ts'
import { measureCase, type SideSamples } from './engine/measure.ts'
import type { BenchOptions } from './figure.ts'
import { smolModel, tinyModel, type BenchModel } from './models.ts'

const PEER = 'transformers.js 4.3.1'

/** Our engine beside the library that a user would take instead, in one page of a real browser. */
export async function benchEngine(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  const missing = new Set<string>()
  for (const on of CASES) {
    const isNamed = options.only.some((part) => nameOf(on).includes(part))
    if (options.only.length > 0 && !isNamed) continue
    if (missing.has(on.adapter)) continue
    if (on.standsInFor && !missing.has(on.standsInFor) && !isNamed) continue
    const name = nameOf(on)
    const begun = performance.now()
    try {
      await benchCase(on, options)
    } catch (thrown) {
      if (thrown instanceof NoAdapter) {
        missing.add(on.adapter)
        console.error(`engine: ${name}, and what else runs there, is skipped: ${thrown.message}`)
      } else {
        failed.push(`engine: ${name}`)
        console.error(`engine: ${name} could not be measured:`, thrown)
      }
    }
    console.error(`engine: ${name} took ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  }
  return failed
}

async function benchCase(on: EngineCase, { quick, print }: BenchOptions): Promise<void> {
  const model = modelOf(on)
  if (!model) return console.error(`engine: ${nameOf(on)} is skipped: it takes Python with onnx and numpy`)
  await using tab = await openBenchTab(on.adapter, { [on.model]: model.files })
  const repeat = quick ? { rounds: 1, loads: 1 } : on
  const samples = await measureCase(tab, on, model, repeat)
  for (const side of SIDES) console.error(`  ${side}:`, inWords(samples[side]))
  const { dtype, backend } = on
  const adapter = on.adapter === 'gpu' ? tab.gpuLabel : on.adapter
  const at = { model: on.model, dtype, backend, adapter }
  for (const line of linesOf(on, samples)) {
    const { metric, value, unit, peerValue, isSmallBetter, streams = 1 } = line
    const ratio = peerValue === undefined ? undefined : isSmallBetter ? peerValue / value : value / peerValue
    const compared = peerValue === undefined || ratio === undefined ? {} : { peer: PEER, peerValue, ratio }
    print({ bench: 'engine', metric, case: { ...at, streams }, value, unit, ...compared }, aimOf(metric, on))
  }
}

function modelOf({ model, dtype }: EngineCase): BenchModel | undefined {
  return model === 'infernet-tiny' ? tinyModel(dtype) : smolModel(dtype)
}

/** All rounds, for standard error. */
function inWords(samples: SideSamples): string {
  return Object.entries(samples)
    .filter(([, values]) => (values as number[]).length > 0)
    .map(([name, values]) => `${name} ${(values as number[]).map((value) => value.toPrecision(3)).join(' ')}`)
    .join('; ')
}
