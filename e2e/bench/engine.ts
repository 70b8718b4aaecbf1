import { aimOf } from './engine/aims.ts'
import { NoAdapter, openBenchTab, SIDES, type SideName } from './engine/bench-tab.ts'
import { CASES, nameOf, type EngineCase } from './engine/cases.ts'
import { measureCase, STREAMS, type CaseSamples, type SideSamples } from './engine/measure.ts'
import type { BenchOptions } from './figure.ts'
import { smolModel, tinyModel, type BenchModel } from './models.ts'

const PEER = 'transformers.js 4.3.1'
const MB = 1e6

/** Our engine beside the library that a user would take instead, in one page of a real browser. */
export async function benchEngine(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  const wanted = CASES.filter(
    (on) => options.only.length === 0 || options.only.some((part) => nameOf(on).includes(part)),
  )
  for (const on of wanted) {
    const name = nameOf(on)
    const begun = performance.now()
    try {
      await benchCase(on, options)
    } catch (thrown) {
      if (thrown instanceof NoAdapter) console.error(`engine: ${name} is skipped: ${thrown.message}`)
      else {
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
  for (const line of linesOf(samples)) {
    const { metric, value, unit, peerValue, isSmallBetter, streams = 1 } = line
    const ratio = peerValue === undefined ? undefined : isSmallBetter ? peerValue / value : value / peerValue
    const compared = peerValue === undefined || ratio === undefined ? {} : { peer: PEER, peerValue, ratio }
    print({ bench: 'engine', metric, case: { ...at, streams }, value, unit, ...compared }, aimOf(metric, on))
  }
}

function modelOf({ model, dtype }: EngineCase): BenchModel | undefined {
  return model === 'infernet-tiny' ? tinyModel(dtype) : smolModel(dtype)
}

interface Line {
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly peerValue?: number
  readonly isSmallBetter?: boolean
  readonly streams?: number
}

/** The best of each: what else runs on the machine only ever makes a figure worse. */
function linesOf({ ours, peer, memory }: CaseSamples): Line[] {
  const fastest = (pick: (side: SideSamples) => readonly number[]): { value: number; peerValue: number } => ({
    value: Math.max(...pick(ours)),
    peerValue: Math.max(...pick(peer)),
  })
  const many = fastest(({ many }) => many)
  const one = fastest(({ one }) => one)
  const held = (side: SideName): number =>
    memory[side].jsBytes + memory[side].wasmBytes + memory[side].gpuBytes
  const part = (metric: string, of: (side: SideName) => number): Line => ({
    metric,
    value: of('ours') / MB,
    peerValue: of('peer') / MB,
    unit: 'MB',
    isSmallBetter: true,
  })
  return [
    {
      metric: 'loadMs',
      value: Math.min(...ours.loadMs),
      peerValue: Math.min(...peer.loadMs),
      unit: 'ms',
      isSmallBetter: true,
    },
    { metric: 'prefillTokensPerSecond', ...fastest(({ prefill }) => prefill), unit: 'tokens/s' },
    { metric: 'decodeTokensPerSecond', ...fastest(({ decode }) => decode), unit: 'tokens/s' },
    {
      metric: 'streamsTokensPerSecond',
      value: many.value,
      // The peer serves eight as one batch or one after the other, whichever is faster here.
      peerValue: Math.max(many.peerValue, one.peerValue),
      unit: 'tokens/s',
      streams: STREAMS,
    },
    { metric: 'streamsGain', value: many.value / one.value, unit: 'ratio', streams: STREAMS },
    part('memoryMb', held),
    part('jsHeapMb', (side) => memory[side].jsBytes),
    part('wasmHeapMb', (side) => memory[side].wasmBytes),
    ...(memory.ours.gpuBytes > 0 ? [part('gpuMb', (side) => memory[side].gpuBytes)] : []),
  ]
}

/** All rounds, for standard error. */
function inWords(samples: SideSamples): string {
  return Object.entries(samples)
    .map(([name, values]) => `${name} ${(values as number[]).map((value) => value.toPrecision(3)).join(' ')}`)
    .join('; ')
}
