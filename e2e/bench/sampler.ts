import { createSampler, type Sampler } from '#shared/engine/sampler/sampler.ts'
import type { Logits } from '#shared/engine/decoder/decoder.ts'
import type { SamplerParams } from '#shared/engine/engine.ts'
import { median } from '../fixtures/median.ts'
import type { BenchOptions } from './figure.ts'

/** 2 % of a step of 5 ms, which a small model takes on a good GPU. */
const AIM_MS = 0.1
const PARAMS: Readonly<Record<string, SamplerParams>> = {
  greedy: { temperature: 0, topP: 1 },
  'temperature 0.7': { temperature: 0.7, topP: 1 },
  'top-p 0.9': { temperature: 0.7, topP: 0.9 },
  'top-k 40, top-p 0.9, penalty 1.1': { temperature: 0.7, topP: 0.9, topK: 40, repetitionPenalty: 1.1 },
  'min-p 0.05': { temperature: 1, topP: 1, minP: 0.05 },
}
/** How many tokens a device hands over that preselected. */
const PRESELECTED = 64
const PROMPT = Array.from({ length: 500 }, (_, i) => i * 31)

/** What a draw costs on one core of the processor, all logits at hand, and after a preselection on the device. */
export async function benchSampler({ quick, print }: BenchOptions): Promise<readonly string[]> {
  const rounds = quick ? 100 : 1000
  for (const vocabulary of [49_152, 151_936]) {
    const sets = Array.from({ length: 8 }, (_, i) => likeAModel(vocabulary, i + 1))
    const draw = (name: string, params: SamplerParams, logits: readonly Logits[]): void => {
      const value = timePicks(samplerOf(params, vocabulary), logits, rounds)
      print({ bench: 'sampler', metric: name, case: { vocabulary }, value, unit: 'ms' }, { atMost: AIM_MS })
    }
    for (const [name, params] of Object.entries(PARAMS))
      draw(
        name,
        params,
        sets.map((values) => ({ ids: undefined, values })),
      )
    draw('temperature 0.7, preselected', { temperature: 0.7, topP: 1 }, sets.map(preselected))
  }
  return []
}

function samplerOf(params: SamplerParams, vocabSize: number): Sampler {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
  return createSampler(params, seed, {
    promptTokens: PROMPT,
    priorTokens: [],
    vocabSize,
    eosTokens: new Set(),
  })
}

/** The middle of many draws, in milliseconds. The text grows with them, as in an answer. */
function timePicks(sampler: Sampler, logits: readonly Logits[], rounds: number): number {
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const these = logits[i % logits.length]
    if (!these) continue
    const begun = performance.now()
    sampler.pick(these)
    times.push(performance.now() - begun)
  }
  return median(times.slice(rounds >> 2))
}

/** Logits as of a language model: a bell of standard deviation 2.3, and a few dozen likely tokens above it. */
function likeAModel(size: number, start: number): Float32Array {
  let state = start
  const uniform = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  const bell = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  const values = Float32Array.from({ length: size }, () => 2.3 * bell())
  for (let i = 0; i < 40; i++) values[Math.floor(uniform() * size)] = 18 - 0.3 * i + uniform()
  return values
}

function preselected(values: Float32Array): Logits {
  const order = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0))
  const ids = Uint32Array.from(order.slice(0, PRESELECTED)).sort()
  return { ids, values: Float32Array.from(ids, (id) => values[id] ?? 0) }
}
