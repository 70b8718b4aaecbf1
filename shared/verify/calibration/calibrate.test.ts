import { describe, expect, it } from 'vitest'
import { epochMillis } from '../../base/units.ts'
import { floatToHalf, halfToFloat } from '../../engine/score/half.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import type { GoldenSketches } from '../golden/golden-sketches.ts'
import { judge } from '../check/judge.ts'
import { someModel } from '../../testing/peers.ts'
import { sketchAt } from '../statistics/sketch-distance.ts'
import { calibrate, type StakedGolden } from './calibrate.ts'
import type { Envelope, Profile } from './envelope.ts'
import { HARD_LIMITS } from './hard-limits.ts'

const TOKENS = 32
const OPERATORS = 60

/** The same numbers each time (mulberry32), as a bell curve of width 1. */
function noiseFrom(seed: number): () => number {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

const truth = Float64Array.from({ length: TOKENS * SKETCH_SIZE }, (_, i) => 4 * Math.sin(i * 1.7))
const sketchesFrom = (value: (i: number) => number): Uint16Array =>
  Uint16Array.from(truth, (z, i) => floatToHalf(z + value(i)))
const record = (
  operator: string,
  sketches: Uint16Array,
  changes: Partial<StakedGolden> = {},
): StakedGolden => ({
  ...{ operator, isStaked: true },
  golden: {
    ...{ model: someModel(), class: { backend: 'webgpu', adapter: 'any', build: 'any' }, sketches },
    ...{ at: epochMillis(1000), expiresAt: epochMillis(2000) },
  } satisfies GoldenSketches,
  ...changes,
})

/** Honest machines whose noise is that of 16-bit floats, so that there is something to widen. */
const HONEST_NOISE = { fp32: 0.0005, fp16: 0.05 } as const
type Tried = keyof typeof HONEST_NOISE
const honest = (count: number, profile: Tried): StakedGolden[] =>
  Array.from({ length: count }, (_, i) => {
    const noise = noiseFrom(i + 1)
    return record(
      `honest ${i}`,
      sketchesFrom(() => HONEST_NOISE[profile] * noise()),
    )
  })

/** What liars publish to widen what agrees. */
const poison: Readonly<
  Record<string, (i: number, noise: () => number, sigma: number) => (at: number) => number>
> = {
  'all alike and far away': () => (at) => 0.4 * (at % 2 === 0 ? 1 : -1),
  'each elsewhere': (_, noise) => () => 5 * noise(),
  'farther step by step': (i, _, sigma) => (at) => sigma * (1 + i) * (at % 2 === 0 ? 1 : -1),
  'just where an honest machine may be, on both sides': (i, _, sigma) => (at) =>
    (i % 2 === 0 ? sigma : -sigma) * (at % 2 === 0 ? 1 : -1),
  'no numbers': () => () => NaN,
}

const lies = Object.keys(poison).map((name) => ({ name }))

function envelopeFrom(records: readonly StakedGolden[], profile: Profile): Envelope {
  const { sketchDistance, largestSketchDistance } = calibrate(records, profile)!
  const agrees = { ...HARD_LIMITS[profile].differs, sketchDistance, largestSketchDistance }
  return { profile, ...HARD_LIMITS[profile], agrees }
}

const CHECKS = 200
const own = sketchesFrom(() => 0)
const positions = Array.from({ length: TOKENS }, (_, i) => i)
const scores = positions.map((i) => ({ margin: 0, sketch: sketchAt(own, i) }))

/** Answers whose sketches are so far off; a cheat is not everywhere equally far. */
const answersAt = memoize((apart: number) =>
  Array.from({ length: CHECKS }, (_, check) => {
    const noise = noiseFrom(check + 1000)
    const theirs = sketchesFrom((i) => apart * (0.5 + Math.abs(Math.sin(i >> 4))) * noise())
    return positions.map((position) => ({ position, sketch: sketchAt(theirs, position) }))
  }),
)

/** Which part of them differs, and which agrees. */
function ratesAt(envelope: Envelope, apart: number): { differs: number; agrees: number } {
  const counts = { differs: 0, agrees: 0, inconclusive: 0 }
  const roots = [{ from: 0, count: TOKENS, root: new Uint8Array(32) }]
  for (const opened of answersAt(apart)) counts[judge({ from: 0, envelope, roots, scores, opened }).outcome]++
  return { differs: counts.differs / CHECKS, agrees: counts.agrees / CHECKS }
}

function memoize<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}

describe('calibrate', () => {
  describe.each<Tried>(['fp32', 'fp16'])('of %s', (profile) => {
    const clean = envelopeFrom(honest(OPERATORS, profile), profile)

    it('takes in honest machines that it has not seen', () => {
      const { agrees, differs } = ratesAt(clean, HONEST_NOISE[profile])
      expect(agrees).toBeGreaterThan(0.99)
      expect(differs).toBe(0)
    })

    it.each(lies)('loses less than a hundredth of its power to 30 of 100 who lie: $name', ({ name }) => {
      const liars = Array.from({ length: 0.3 * OPERATORS }, (_, i) => {
        const value = poison[name]!(i, noiseFrom(i + 500), HONEST_NOISE[profile])
        return record(`liar ${i}`, sketchesFrom(value))
      })
      const poisoned = envelopeFrom([...honest(0.7 * OPERATORS, profile), ...liars], profile)
      // 4-bit weights for 32-bit ones, an 8-bit cache, a smaller model; and cheats that stay near the limits.
      for (const apart of [0.4, 0.2, 1.2, ...(profile === 'fp32' ? [0.02, 0.05] : [])]) {
        const [before, after] = [ratesAt(clean, apart), ratesAt(poisoned, apart)]
        expect(Math.abs(after.differs - before.differs)).toBeLessThan(0.01)
        expect(Math.abs(after.agrees - before.agrees)).toBeLessThan(0.01)
      }
    })
  })

  it('finds what cheats show, so that this power is some', () => {
    expect(ratesAt(envelopeFrom(honest(OPERATORS, 'fp32'), 'fp32'), 0.4)).toEqual({ differs: 1, agrees: 0 })
    expect(ratesAt(envelopeFrom(honest(OPERATORS, 'fp16'), 'fp16'), 1.2)).toEqual({ differs: 1, agrees: 0 })
  })

  it('never widens beyond the hard limit, whoever says so', () => {
    const all = Array.from({ length: 40 }, (_, i) =>
      record(
        `${i}`,
        sketchesFrom(() => 30 * noiseFrom(i)()),
      ),
    )
    const { sketchDistance, largestSketchDistance } = calibrate(all, 'fp32')!
    expect(sketchDistance).toBe(HARD_LIMITS.fp32.differs.sketchDistance)
    expect(largestSketchDistance).toBe(HARD_LIMITS.fp32.differs.largestSketchDistance)
  })

  it('counts operators with a stake, each once, by its newest record', () => {
    const many = honest(12, 'fp32')
    const before = calibrate(many, 'fp32')!
    expect(before).toMatchObject({ operators: 12, kept: 8 })
    const far = sketchesFrom(() => 9)
    const machines = Array.from({ length: 500 }, () => record('honest 0', far))
    const unstaked = Array.from({ length: 500 }, (_, i) => record(`none ${i}`, far, { isStaked: false }))
    expect(calibrate([...many, ...machines, ...unstaked], 'fp32')).toEqual(before)
    const [first] = many
    const renewed = { ...first!, golden: { ...first!.golden, sketches: far, at: epochMillis(1500) } }
    expect(calibrate([...many, renewed], 'fp32')).toEqual(calibrate([renewed, ...many.slice(1)], 'fp32'))
    expect(calibrate(many.slice(0, 9), 'fp32')).toBeUndefined()
  })

  it('leaves out records of other answers', () => {
    const many = honest(20, 'fp32')
    const short = many.map((each, i) =>
      i < 6 ? { ...each, golden: { ...each.golden, sketches: each.golden.sketches.subarray(16) } } : each,
    )
    const { sketchDistance } = calibrate(short, 'fp32')!
    expect(sketchDistance).toBeLessThan(HARD_LIMITS.fp32.differs.sketchDistance)
  })
})

it('a golden record beyond the limits is no shelter: its provider is judged by the one envelope', () => {
  const far = sketchesFrom((at) => 0.4 * (at % 2 === 0 ? 1 : -1))
  expect(halfToFloat(far[0]!) - halfToFloat(sketchesFrom(() => 0)[0]!)).toBeCloseTo(0.4, 2)
  const published = record('a staked cheat', far)
  const envelope = envelopeFrom([...honest(30, 'fp32'), published], 'fp32')
  // Its answers are as far off as it said that its machine is.
  expect(ratesAt(envelope, 0.4).differs).toBe(1)
})
