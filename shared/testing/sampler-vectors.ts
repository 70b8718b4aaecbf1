import { fromHex } from '../base/bytes.ts'
import type { SamplerParams } from '../engine/engine.ts'
import type { GrammarMatcher } from '../engine/grammar/grammar.ts'
import { createSampler, MARGIN_FILTERED, type Sampler } from '../engine/sampler/sampler.ts'

type LogitsSpec =
  readonly number[] | { readonly size: number; readonly start: number; readonly shape: string }

interface DrawVector {
  readonly name: string
  readonly params: SamplerParams
  readonly seed: string
  readonly prompt: readonly number[]
  readonly allowed: readonly number[] | null
  readonly logits: LogitsSpec
  readonly tokens: readonly number[]
  readonly margins: readonly (readonly [token: number, margin: number | null])[]
}

export interface SamplerVectors {
  readonly draws: readonly DrawVector[]
}

export interface VectorResult {
  readonly name: string
  /** What came, where it is not what was published; '' where it is. */
  readonly wrong: string
}

/** Draws what each published vector says, in this JavaScript engine. SAMPLER.md explains their fields. */
export function checkSamplerVectors({ draws }: SamplerVectors): readonly VectorResult[] {
  return draws.map((vector) => {
    const values = logitsOf(vector.logits)
    const sampler = samplerOf(vector, values.length)
    const tokens = vector.tokens.map(() => Number(sampler.pick({ ids: undefined, values })))
    const margins = vector.margins.map(([token]) => samplerOf(vector, values.length).margin(values, token))
    const expected = vector.margins.map(([, margin]) => margin ?? MARGIN_FILTERED)
    const isRight = isEqual(tokens, vector.tokens) && isEqual(margins, expected)
    return { name: vector.name, wrong: isRight ? '' : `tokens ${tokens.join()}; margins ${margins.join()}` }
  })
}

function samplerOf({ params, seed, prompt, allowed }: DrawVector, vocabSize: number): Sampler {
  const masked: SamplerParams = allowed ? { ...params, grammar: { kind: 'json' } } : params
  const grammar = allowed ? constantMask(allowed, vocabSize) : undefined
  const context = { promptTokens: prompt, priorTokens: [], vocabSize, eosTokens: new Set<number>(), grammar }
  return createSampler(masked, fromHex(seed), context)
}

function constantMask(tokens: readonly number[], vocabSize: number): GrammarMatcher {
  const mask = new Uint32Array(Math.ceil(vocabSize / 32))
  for (const v of tokens) mask[v >>> 5] = (mask[v >>> 5] ?? 0) | (1 << (v & 31))
  return { allowed: () => mask, accept: () => undefined, isOver: false }
}

function logitsOf(spec: LogitsSpec): Float32Array {
  if (!('size' in spec)) return Float32Array.from(spec)
  const values = new Float32Array(spec.size)
  for (let v = 0, r = spec.start; v < spec.size; v++) {
    r = (r * 48_271) % (2 ** 31 - 1)
    const k = (r % 65_536) - 32_768
    values[v] = spec.shape === 'even' ? k / 2048 : k ** 3 / 2 ** 41
  }
  return values
}

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value + 0, (b[i] ?? NaN) + 0))
}
