import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { hasCode } from '../../errors/infernet-error.ts'
import { checkSamplerVectors, type SamplerVectors } from '../../testing/sampler-vectors.ts'
import type { SamplerParams } from '../engine.ts'
import { exp } from './exp.ts'
import { ln } from './ln.ts'
import { philox4x32 } from './philox.ts'
import { createSampler, MARGIN_FILTERED, type Sampler, type SamplerContext } from './sampler.ts'

const file = new URL('../sampler-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as SamplerVectors

const seed = fromHex('00112233445566778899aabbccddeeff'.repeat(2))
const noTokens: ReadonlySet<number> = new Set()

function samplerOf(params: SamplerParams, vocabSize: number, context: Partial<SamplerContext> = {}): Sampler {
  const bare = { promptTokens: [], priorTokens: [], vocabSize, eosTokens: noTokens }
  return createSampler(params, seed, { ...bare, ...context })
}

function noiseOf(position: number, token: number): number {
  const words = new DataView(seed.buffer)
  const word = (i: number): number => words.getUint32(4 * i, true)
  const out = new Uint32Array(4)
  philox4x32(Uint32Array.of(position, token >>> 2, word(2), word(3)), Uint32Array.of(word(0), word(1)), out)
  return -ln(-ln(((out[token & 3] ?? 0) + 0.5) / 2 ** 32))
}

/** SAMPLER.md read aloud, with no shortcut: the score of each token that takes part. */
function plainScores(
  values: Float32Array,
  params: SamplerParams,
  prompt: readonly number[],
  answer: readonly number[],
): Map<number, number> {
  const {
    temperature,
    topP,
    minP = 0,
    repetitionPenalty = 1,
    presencePenalty = 0,
    frequencyPenalty = 0,
  } = params
  const z = values.map((logit, v) => {
    let s = logit
    if (prompt.includes(v) || answer.includes(v)) s = s > 0 ? s / repetitionPenalty : s * repetitionPenalty
    const count = answer.filter((token) => token === v).length
    if (count > 0) s = s - count * frequencyPenalty - presencePenalty
    return s + (params.logitBias?.find(([token]) => token === v)?.[1] ?? 0)
  })
  const at = (v: number): number => z[v] ?? 0
  let kept = [...z.keys()].sort((a, b) => at(b) - at(a) || a - b)
  const top = at(kept[0] ?? 0)
  if (temperature === 0) return new Map(kept.map((v) => [v, at(v)]))
  kept = kept.slice(0, params.topK ?? (topP < 1 ? 256 : undefined))
  if (topP < 1) {
    const weights = kept.map((v) => exp((at(v) - top) / temperature))
    const target = topP * weights.reduce((sum, weight) => sum + weight, 0)
    let running = 0
    const last = weights.findIndex((weight) => (running += weight) >= target)
    if (last >= 0) kept = kept.slice(0, last + 1)
  }
  if (minP > 0) kept = kept.filter((v) => at(v) >= top + temperature * ln(minP))
  return new Map(kept.map((v) => [v, at(v) + temperature * noiseOf(answer.length, v)]))
}

function winner(scores: ReadonlyMap<number, number>): number {
  const best = Math.max(...scores.values())
  return Math.min(...[...scores].filter(([, score]) => score === best).map(([token]) => token))
}

const paramsArb = fc.record(
  {
    temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 2, noNaN: true })),
    topP: fc.constantFrom(0.1, 0.5, 0.9, 0.999, 1, 1),
    topK: fc.integer({ min: 1, max: 70 }),
    minP: fc.constantFrom(0, 0.01, 0.2, 0.9),
    repetitionPenalty: fc.constantFrom(0.5, 1, 1.1, 2),
    presencePenalty: fc.constantFrom(-2, 0, 0.3, 2),
    frequencyPenalty: fc.constantFrom(-2, 0, 0.7),
    logitBias: fc.uniqueArray(fc.tuple(fc.nat(9), fc.double({ min: -100, max: 100, noNaN: true })), {
      selector: ([token]) => token,
      maxLength: 4,
    }),
  },
  { requiredKeys: ['temperature', 'topP'] },
)
/** Coarse steps, so that equal logits are common. */
const logitArb = fc.oneof(
  fc.float({ min: -20, max: 20, noNaN: true }),
  fc.integer({ min: -40, max: 40 }).map((n) => n / 4),
)
const logitsArb = fc.array(logitArb, { minLength: 10, maxLength: 300 }).map((list) => Float32Array.from(list))
const textArb = fc.array(fc.nat(9), { maxLength: 6 })

describe('createSampler', () => {
  it.each(checkSamplerVectors(vectors))('gives the published tokens and margins: $name', ({ wrong }) => {
    expect(wrong).toBe('')
  })

  it('gives the same token and the same margins as the definition without its shortcuts', () => {
    fc.assert(
      fc.property(
        logitsArb,
        paramsArb,
        textArb,
        textArb,
        fc.nat(9),
        (logits, params, prompt, answer, other) => {
          const context = { promptTokens: prompt, priorTokens: answer }
          const scores = plainScores(logits, params, prompt, answer)
          const expected = winner(scores)
          const pick = samplerOf(params, logits.length, context).pick({ ids: undefined, values: logits })
          expect(pick).toBe(expected)
          const margin = samplerOf(params, logits.length, context).margin(logits, other)
          const otherScore = scores.get(other)
          expect(margin).toBe(
            otherScore === undefined ? MARGIN_FILTERED : (scores.get(expected) ?? 0) - otherScore,
          )
          expect(samplerOf(params, logits.length, context).margin(logits, expected)).toBe(0)
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    { temperature: 1, topP: 1 },
    { temperature: 0.05, topP: 1 },
    { temperature: 2, topP: 1, minP: 0.05 },
    { temperature: 0.8, topP: 0.9 },
    { temperature: 1.5, topP: 0.95, topK: 1024 },
    { temperature: 1, topP: 1, topK: 40, repetitionPenalty: 1.2 },
  ])('agrees with the definition on a vocabulary of 20,011: %o', (params) => {
    const next = lehmer(7)
    for (let t = 0; t < 3; t++) {
      const logits = Float32Array.from({ length: 20_011 }, () => Math.fround(24 * next() ** (t + 1) - 12))
      const answer = Array.from({ length: t }, () => 5)
      const scores = plainScores(logits, params, [17], answer)
      const sampler = samplerOf(params, logits.length, { promptTokens: [17], priorTokens: answer })
      expect(sampler.pick({ ids: undefined, values: logits })).toBe(winner(scores))
    }
  })

  it.each(['flat', 'rising', 'combed', 'random'])(
    'agrees with the definition under wide masks, %s logits',
    (shape) => {
      const size = 20_011
      const next = lehmer(11)
      const logits = Float32Array.from({ length: size }, (_, v) =>
        shape === 'flat'
          ? 1
          : shape === 'rising'
            ? v / 1000
            : shape === 'combed'
              ? Number(v % 16 === 1)
              : 20 * next() - 10,
      )
      const masks = [(v: number) => v < 3000, (v: number) => v >= 17_000, (v: number) => v % 3 === 1]
      const filters: SamplerParams[] = [
        { temperature: 0, topP: 1 },
        { temperature: 1, topP: 1 },
        { temperature: 1, topP: 0.9 },
        { temperature: 2, topP: 1, topK: 1024 },
        { temperature: 1, topP: 1, minP: 0.5 },
      ]
      for (const isAllowed of masks)
        for (const params of filters) {
          const mask = new Uint32Array(Math.ceil(size / 32))
          for (let v = 0; v < size; v++)
            if (isAllowed(v)) mask[v >>> 5] = (mask[v >>> 5] ?? 0) | (1 << (v & 31))
          const grammar = { allowed: () => mask, accept: () => undefined, isOver: false }
          const masked = { ...params, grammar: { kind: 'json' } } as const
          // A logit that no other can reach stands for a token that may not come.
          const barred = logits.map((z, v) => (isAllowed(v) ? z : -1e6))
          const scores = plainScores(barred, params, [], [])
          for (const v of scores.keys()) if (!isAllowed(v)) scores.delete(v)
          expect(samplerOf(masked, size, { grammar }).pick({ ids: undefined, values: logits })).toBe(
            winner(scores),
          )
        }
    },
  )

  it('decides among candidates that a device preselected', () => {
    const logits = Float32Array.from({ length: 64 }, (_, v) => Math.sin(v * v))
    for (let t = 0; t < 200; t++) {
      const priorTokens = Array<number>(t).fill(0)
      const whole = samplerOf({ temperature: 0.7, topP: 1 }, 64, { priorTokens })
      const few = samplerOf({ temperature: 0.7, topP: 1 }, 64, { priorTokens })
      const token = whole.pick({ ids: undefined, values: logits })
      const ids = Uint32Array.from([...new Set([3, token, 60])].sort((a, b) => a - b))
      expect(few.pick({ ids, values: Float32Array.from(ids, (v) => logits[v] ?? 0) })).toBe(token)
    }
  })

  it('lets a device preselect only for what it can know', () => {
    const plain = samplerOf({ temperature: 0.7, topP: 1 }, 8, { priorTokens: [1, 2] })
    expect(plain.hint()).toEqual({
      temperature: 0.7,
      position: 2,
      seedWords: [0x33221100, 0x77665544, 0xbbaa9988, 0xffeeddcc],
    })
    plain.pick({ ids: undefined, values: new Float32Array(8) })
    expect(plain.hint()).toMatchObject({ position: 3 })
    expect(samplerOf({ temperature: 0, topP: 0.5, topK: 3 }, 8).hint()).toMatchObject({ temperature: 0 })
    const others: Partial<SamplerParams>[] = [
      { topP: 0.9 },
      { topK: 9 },
      { minP: 0.1 },
      { repetitionPenalty: 1.1 },
      { presencePenalty: 1 },
      { frequencyPenalty: 1 },
      { logitBias: [[1, 1]] },
    ]
    for (const other of others)
      expect(samplerOf({ temperature: 0.7, topP: 1, ...other }, 8).hint()).toBeUndefined()
  })

  it('draws each token as often as its probability says', () => {
    const values = Float32Array.of(Math.log(0.5), Math.log(0.3), Math.log(0.2))
    const counts = [0, 0, 0]
    const sampler = samplerOf({ temperature: 1, topP: 1 }, 3)
    for (let t = 0; t < 20_000; t++) {
      const token = sampler.pick({ ids: undefined, values })
      counts[token] = (counts[token] ?? 0) + 1
    }
    // One standard deviation is at most 71 draws of 20,000.
    for (const [token, expected] of [10_000, 6_000, 4_000].entries())
      expect(Math.abs((counts[token] ?? 0) - expected)).toBeLessThan(250)
  })

  it('takes the highest logit at temperature 0, the lowest id of equals, and needs no seed', () => {
    const context = { promptTokens: [], priorTokens: [], vocabSize: 4, eosTokens: noTokens }
    const sampler = createSampler({ temperature: 0, topP: 1 }, new Uint8Array(0), context)
    expect(sampler.pick({ ids: undefined, values: Float32Array.of(1, 3, 3, 2) })).toBe(1)
    expect(sampler.margin(Float32Array.of(1, 3, 3, 2), 2)).toBe(0)
    expect(sampler.margin(Float32Array.of(1, 3, 3, 2), 3)).toBe(1)
    expect(sampler.margin(Float32Array.of(1, 3, 3, 2), 4)).toBe(MARGIN_FILTERED)
  })

  it('follows the text that a verifier gives it', () => {
    const params = { temperature: 0, topP: 1, frequencyPenalty: 1 }
    const sampler = samplerOf(params, 3)
    const values = Float32Array.of(2, 1.5, 0)
    expect([0, 0, 1, 0].map((token) => sampler.margin(values, token))).toEqual([0, 0.5, 0, 0.5])
  })

  it('is over after an end token or a stop sequence, however the text was cut', () => {
    const params = { temperature: 0, topP: 1, stop: [[1, 2, 1], [3]] }
    const isOver = (priorTokens: readonly number[]): boolean =>
      samplerOf(params, 5, { priorTokens, promptTokens: [3], eosTokens: new Set([4]) }).isOver
    expect(isOver([])).toBe(false)
    expect(isOver([1, 2])).toBe(false)
    expect(isOver([1, 2, 1])).toBe(true)
    expect(isOver([1, 1, 2, 1])).toBe(true)
    expect(isOver([0, 3])).toBe(true)
    expect(isOver([0, 4])).toBe(true)
    const sampler = samplerOf(params, 5, { priorTokens: [1, 2] })
    sampler.margin(new Float32Array(5), 1)
    expect(sampler.isOver).toBe(true)
  })

  it.each([NaN, Infinity])('refuses logits with %d', (bad) => {
    for (const temperature of [0, 1])
      for (const at of [1, 77, 99]) {
        const values = new Float32Array(100)
        values[at] = bad
        const pick = () => samplerOf({ temperature, topP: 1 }, 100).pick({ ids: undefined, values })
        expect(pick).toThrow(expect.objectContaining({ code: 'engine.bad-logits', facts: { token: at } }))
        const ids = Uint32Array.of(3)
        const pickOne = () =>
          samplerOf({ temperature, topP: 1 }, 100).pick({ ids, values: Float32Array.of(bad) })
        expect(pickOne).toThrow(expect.objectContaining({ code: 'engine.bad-logits' }))
      }
  })

  it('never draws a token of -Infinity, and is the same as without it', () => {
    const values = Float32Array.from({ length: 100 }, (_, v) => (v < 90 ? (v * 7) % 13 : -Infinity))
    const filters = [{}, { topP: 0.9 }, { topK: 3 }, { topP: 0 }, { minP: 0.1 }, { topK: 1000 }]
    for (const temperature of [0, 1, 2])
      for (const filter of filters) {
        const params = { temperature, topP: 1, ...filter }
        const padded = samplerOf(params, 100)
        const bare = samplerOf(params, 90)
        for (let i = 0; i < 16; i++)
          expect(padded.pick({ ids: undefined, values })).toBe(
            bare.pick({ ids: undefined, values: values.subarray(0, 90) }),
          )
        expect(samplerOf(params, 100).margin(values, 95)).toBe(MARGIN_FILTERED)
      }
    const ids = Uint32Array.of(3, 95)
    const candidates = { ids, values: Float32Array.of(1, -Infinity) }
    expect(samplerOf({ temperature: 1, topP: 1 }, 100).pick(candidates)).toBe(3)
  })

  it('refuses logits of which none is finite', () => {
    const values = new Float32Array(100).fill(-Infinity)
    for (const temperature of [0, 1])
      for (const params of [{}, { topK: 4 }])
        expect(() =>
          samplerOf({ temperature, topP: 1, ...params }, 100).pick({ ids: undefined, values }),
        ).toThrow(expect.objectContaining({ code: 'engine.bad-logits' }))
    const pick = () =>
      samplerOf({ temperature: 1, topP: 1 }, 100).pick({
        ids: Uint32Array.of(3),
        values: Float32Array.of(-Infinity),
      })
    expect(pick).toThrow(expect.objectContaining({ code: 'engine.bad-logits' }))
  })

  it('keeps the likeliest token alone at top-p 0 and at min-p 1, and all at top-k 0 and -1', () => {
    const values = Float32Array.from({ length: 500 }, (_, v) => (v === 77 ? 1 : 0.99))
    const drawn = (params: Partial<SamplerParams>) => {
      const sampler = samplerOf({ temperature: 2, topP: 1, ...params }, 500)
      return Array.from({ length: 24 }, () => Number(sampler.pick({ ids: undefined, values })))
    }
    expect(drawn({ topP: 0 })).toEqual(Array(24).fill(77))
    expect(drawn({ minP: 1 })).toEqual(Array(24).fill(77))
    expect(drawn({ topK: 0 })).toEqual(drawn({}))
    expect(drawn({ topK: -1 })).toEqual(drawn({}))
    expect(drawn({ topK: -1, topP: 0.9 })).toEqual(drawn({ topP: 0.9 }))
    expect(new Set(drawn({ topK: 0 })).size).toBeGreaterThan(12)
    expect(samplerOf({ temperature: 1, topP: 1, topK: 0 }, 500).hint()).toBeDefined()
  })

  it('refuses logits that are fewer than the vocabulary, or that a penalty drives out of 32 bits', () => {
    const short = () =>
      samplerOf({ temperature: 1, topP: 1 }, 5).pick({ ids: undefined, values: new Float32Array(4) })
    expect(short).toThrow(expect.objectContaining({ code: 'engine.bad-logits' }))
    const huge = () =>
      samplerOf({ temperature: 1, topP: 1, repetitionPenalty: 0.5 }, 2, { promptTokens: [0] }).pick({
        ids: undefined,
        values: Float32Array.of(3e38, 0),
      })
    expect(huge).toThrow(expect.objectContaining({ code: 'engine.bad-logits' }))
  })

  it.each<[string, Partial<SamplerParams>]>([
    ['temperature', { temperature: 2.1 }],
    ['temperature', { temperature: NaN }],
    ['topP', { topP: -0.1 }],
    ['topP', { topP: 1.1 }],
    ['topK', { topK: -2 }],
    ['topK', { topK: 1.5 }],
    ['topK', { topK: 1025 }],
    ['minP', { minP: 1.1 }],
    ['minP', { minP: -0.1 }],
    ['repetitionPenalty', { repetitionPenalty: 0.4 }],
    ['presencePenalty', { presencePenalty: NaN }],
    ['frequencyPenalty', { frequencyPenalty: 2.1 }],
    ['logitBias', { logitBias: [[1, 101]] }],
    [
      'logitBias',
      {
        logitBias: [
          [1, 1],
          [1, 2],
        ],
      },
    ],
    ['logitBias', { logitBias: Array.from({ length: 301 }, (_, v) => [v, 1] as const) }],
    ['stop', { stop: [[]] }],
    ['stop', { stop: [Array<number>(17).fill(1)] }],
    ['stop', { stop: Array<number[]>(9).fill([1]) }],
    ['grammar', { grammar: { kind: 'gbnf', grammar: 'x'.repeat(16_385) } }],
    ['grammar', { grammar: { kind: 'json' } }],
  ])('names the parameter %s when it is out of range: %o', (parameter, params) => {
    expect(badParameterOf(() => samplerOf({ temperature: 1, topP: 1, ...params }, 1000))).toBe(parameter)
  })

  it('refuses a seed of another length and a bias outside the vocabulary', () => {
    const context = { promptTokens: [], priorTokens: [], vocabSize: 4, eosTokens: noTokens }
    const create = () => createSampler({ temperature: 1, topP: 1 }, seed.slice(1), context)
    expect(badParameterOf(create)).toBe('seed')
    expect(() => samplerOf({ temperature: 1, topP: 1, logitBias: [[4, 1]] }, 4)).toThrow(
      expect.objectContaining({ code: 'engine.bad-token' }),
    )
  })
})

function badParameterOf(create: () => unknown): unknown {
  try {
    create()
    return 'none'
  } catch (error) {
    return hasCode(error, 'prompt.bad-parameters') ? error.facts['parameter'] : error
  }
}

/** Park and Miller's generator, numbers in [0, 1). */
function lehmer(start: number): () => number {
  let state = start
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
