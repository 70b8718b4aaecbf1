import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { hasCode } from '../../errors/infernet-error.ts'
import { exp } from './exp.ts'
import { ln } from './ln.ts'
import { philox4x32 } from './philox.ts'
import { createSampler } from './sampler.ts'

interface Vector {
  readonly name: string
  readonly temperature: number
  readonly topP: number
  readonly seed: string
  readonly logits: readonly number[]
  readonly tokens: readonly number[]
}
const file = new URL('../sampler-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { readonly picks: readonly Vector[] }

const seed = fromHex('00112233445566778899aabbccddeeff'.repeat(2))
const logitsArb = fc
  .array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 60 })
  .map((list) => Float32Array.from(list))
const temperatureArb = fc.double({ min: 0.01, max: 2, noNaN: true })

/** The definition read aloud, with no shortcut. */
function plainPick(logits: Float32Array, temperature: number, topP: number, position: number): number {
  const words = new DataView(seed.buffer)
  const noise = (token: number): number => {
    const out = new Uint32Array(4)
    const counter = [position, token >>> 2, words.getUint32(8, true), words.getUint32(12, true)]
    philox4x32(
      Uint32Array.from(counter),
      Uint32Array.of(words.getUint32(0, true), words.getUint32(4, true)),
      out,
    )
    return -ln(-ln(((out[token & 3] ?? 0) + 0.5) / 2 ** 32))
  }
  const top = Math.max(...logits)
  const weights = [...logits].map((z) => exp((z - top) / temperature))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const order = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
  const kept = new Set<number>()
  let running = 0
  for (const token of order) {
    kept.add(token)
    running += weights[token] ?? 0
    if (topP < 1 && running >= topP * total) break
  }
  let best = -1
  let bestScore = -Infinity
  for (const [token, z] of logits.entries()) {
    const score = z + temperature * noise(token)
    if (kept.has(token) && score > bestScore) [best, bestScore] = [token, score]
  }
  return best
}

describe('createSampler', () => {
  it.each(vectors.picks)(
    'gives the published tokens: $name',
    ({ temperature, topP, seed, logits, tokens }) => {
      const sampler = createSampler({ temperature, topP }, fromHex(seed))
      expect(tokens.map((_, position) => sampler.pick(Float32Array.from(logits), position))).toEqual(tokens)
    },
  )

  it('gives the same token as the definition without its shortcuts', () => {
    fc.assert(
      fc.property(
        logitsArb,
        temperatureArb,
        fc.constantFrom(0.1, 0.5, 0.9, 0.999, 1),
        fc.nat(5000),
        (logits, temperature, topP, position) => {
          const got = createSampler({ temperature, topP }, seed).pick(logits, position)
          expect(got).toBe(plainPick(logits, temperature, topP, position))
        },
      ),
    )
  })

  it('draws each token as often as its probability says', () => {
    const logits = Float32Array.of(Math.log(0.5), Math.log(0.3), Math.log(0.2))
    const counts = [0, 0, 0]
    const sampler = createSampler({ temperature: 1, topP: 1 }, seed)
    for (let t = 0; t < 20_000; t++) {
      const token = sampler.pick(logits, t)
      counts[token] = (counts[token] ?? 0) + 1
    }
    // One standard deviation is at most 71 draws of 20,000.
    for (const [token, expected] of [10_000, 6_000, 4_000].entries())
      expect(Math.abs((counts[token] ?? 0) - expected)).toBeLessThan(250)
  })

  it('takes the highest logit at temperature 0, the lowest id of equals, and needs no seed', () => {
    const sampler = createSampler({ temperature: 0, topP: 1 }, new Uint8Array(0))
    expect(sampler.pick(Float32Array.of(1, 3, 3, 2), 7)).toBe(1)
  })

  it('keeps one token alone when top-p is tiny', () => {
    const sampler = createSampler({ temperature: 2, topP: 1e-9 }, seed)
    for (let t = 0; t < 50; t++) expect(sampler.pick(Float32Array.of(0, 0.1, 0.05), t)).toBe(1)
  })

  it.each([NaN, Infinity, -Infinity])('refuses logits with %d', (bad) => {
    for (const temperature of [0, 1]) {
      const pick = () => createSampler({ temperature, topP: 1 }, seed).pick(Float32Array.of(1, bad, 2), 0)
      expect(pick).toThrow(expect.objectContaining({ code: 'engine.bad-logits' }))
    }
  })

  it.each([
    ['temperature', { temperature: 2.1, topP: 1 }, seed],
    ['temperature', { temperature: NaN, topP: 1 }, seed],
    ['topP', { temperature: 1, topP: 0 }, seed],
    ['topP', { temperature: 1, topP: 1.1 }, seed],
    ['seed', { temperature: 1, topP: 1 }, seed.slice(1)],
  ])('names the parameter %s when it is out of range', (parameter, params, wrongSeed) => {
    try {
      createSampler(params, wrongSeed)
      expect.unreachable()
    } catch (error) {
      expect(hasCode(error, 'prompt.bad-parameters') && error.facts['parameter']).toBe(parameter)
    }
  })
})
