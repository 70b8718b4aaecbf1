import { describe, expect, it } from 'vitest'
import { floatToHalf, halfToFloat } from './half.ts'
import { createSketcher, SKETCH_SIZE } from './sketch.ts'

const sketchLogits = (values: Float32Array, from: Uint8Array, position: number): Uint16Array =>
  createSketcher(from, values.length).sketch(values, position)
const logits = Float32Array.from({ length: 5000 }, (_, v) => Math.sin(v) * 10)
const seed = Uint8Array.from({ length: 32 }, (_, i) => i)

describe('a sketcher', () => {
  it('gives sixteen halves around their mean, the same each time', () => {
    const sketch = sketchLogits(logits, seed, 7)
    expect(sketch).toHaveLength(SKETCH_SIZE)
    expect(sketchLogits(logits, seed, 7)).toEqual(sketch)
    const sum = [...sketch].reduce((total, half) => total + halfToFloat(half), 0)
    expect(Math.abs(sum)).toBeLessThan(0.1)
  })

  it('looks elsewhere at another position and under another seed', () => {
    const sketch = sketchLogits(logits, seed, 7)
    expect(sketchLogits(logits, seed, 8)).not.toEqual(sketch)
    expect(sketchLogits(logits, seed.toReversed(), 7)).not.toEqual(sketch)
  })

  it('does not see what a softmax does not see', () => {
    const shifted = logits.map((z) => z + 4)
    const [a, b] = [sketchLogits(logits, seed, 3), sketchLogits(shifted, seed, 3)]
    for (const [i, half] of a.entries()) expect(halfToFloat(b[i] ?? 0)).toBeCloseTo(halfToFloat(half), 2)
  })

  it('is what it was: the wire depends on it', () => {
    expect([...sketchLogits(logits, seed, 0).subarray(0, 4)]).toMatchInlineSnapshot(`
      [
        18886,
        49716,
        50778,
        50869,
      ]
    `)
  })
})

describe('halves', () => {
  it('come back as they were, all 65536 of them', () => {
    for (let half = 0; half < 1 << 16; half++) {
      const value = halfToFloat(half)
      if (Number.isNaN(value)) expect(halfToFloat(floatToHalf(value))).toBeNaN()
      else expect(floatToHalf(value)).toBe(half)
    }
  })

  it.each([
    [65519, 0x7bff],
    [65520, 0x7c00],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2],
    [-0, 0x8000],
  ])('round %d to the nearest, ties to even', (value, half) => {
    expect(floatToHalf(value)).toBe(half)
  })
})
