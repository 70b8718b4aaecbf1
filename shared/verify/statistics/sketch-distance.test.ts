import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { floatToHalf } from '../../engine/score/half.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { joinSketches, sketchAt, sketchBytes, sketchDistance, sketchesFrom } from './sketch-distance.ts'

const sketchOf = (...values: number[]): Uint16Array =>
  Uint16Array.from({ length: SKETCH_SIZE }, (_, i) => floatToHalf(values[i] ?? 0))
const halves = fc
  .array(fc.nat(0xffff), { minLength: SKETCH_SIZE, maxLength: SKETCH_SIZE })
  .map((all) => Uint16Array.from(all))

describe('sketchDistance', () => {
  it('is the root of the mean square, in logits, and that of the worst token', () => {
    const zero = sketchOf()
    const { tokens, mean, largest } = sketchDistance([
      [zero, zero],
      [sketchOf(4), zero],
    ])
    expect(tokens).toBe(2)
    expect(largest).toBe(1)
    expect(mean).toBeCloseTo(Math.SQRT1_2, 12)
  })

  it('is 0 of nothing, and of what both keep out', () => {
    expect(sketchDistance([])).toEqual({ tokens: 0, mean: 0, largest: 0 })
    expect(sketchDistance([[sketchOf(-Infinity), sketchOf(-Infinity)]]).mean).toBe(0)
  })

  it('is finite, whatever somebody signs as halves, and large where it is no number', () => {
    fc.assert(
      fc.property(halves, halves, (one, other) => {
        const { mean, largest } = sketchDistance([[one, other]])
        expect(Number.isFinite(mean) && mean >= 0 && largest >= 0 && largest < 1e6).toBe(true)
      }),
    )
    for (const odd of [NaN, Infinity, -Infinity])
      expect(sketchDistance([[sketchOf(odd), sketchOf(1)]]).mean).toBeGreaterThan(10_000)
  })
})

it('sketches come back from bytes, and each from those of many', () => {
  fc.assert(
    fc.property(fc.array(halves, { maxLength: 5 }), (sketches) => {
      const joined = joinSketches(sketches)
      expect(sketchesFrom(sketchBytes(joined))).toEqual(joined)
      for (const [at, sketch] of sketches.entries()) expect(sketchAt(joined, at)).toEqual(sketch)
    }),
  )
  expect(sketchBytes(Uint16Array.of(0x1234))).toEqual(Uint8Array.of(0x34, 0x12))
})
