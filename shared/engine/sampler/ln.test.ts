import { describe, expect, it } from 'vitest'
import { exp } from './exp.ts'
import { ln } from './ln.ts'
import { highWord, lowWord } from './words.ts'

const bits = (value: number): string =>
  (highWord(value) >>> 0).toString(16).padStart(8, '0') + lowWord(value).toString(16).padStart(8, '0')

/** Both libraries promise less than one unit in the last place, so they may differ by one. */
function unitsApart(a: number, b: number): number {
  if (a === b) return 0
  const step = Math.max(Math.abs(a), Math.abs(b)) * 2 ** -52
  return Math.abs(a - b) / step
}

describe('ln', () => {
  it.each([
    [1, '0000000000000000'],
    [2, '3fe62e42fefa39ef'],
    [10, '40026bb1bbb55516'],
    [0.5, 'bfe62e42fefa39ef'],
    [2 ** -33, 'c036dfb516f20bbf'],
    [1 - 2 ** -33, 'bde0000000040000'],
    [Number.MIN_VALUE, 'c0874385446d71c3'],
    [Number.MAX_VALUE, '40862e42fefa39ef'],
  ])('of %d has the bits %s', (x, expected) => {
    expect(bits(ln(x))).toBe(expected)
  })

  it('is the platform logarithm to within one unit in the last place', () => {
    for (let i = 1; i < 20_000; i++) {
      const x = (i * 2654435761) % 4294967296
      expect(unitsApart(ln((x + 0.5) / 2 ** 32), Math.log((x + 0.5) / 2 ** 32))).toBeLessThanOrEqual(1)
      expect(unitsApart(ln(x / 7), Math.log(x / 7))).toBeLessThanOrEqual(1)
    }
  })

  it('follows the conventions at the edges', () => {
    expect(ln(0)).toBe(-Infinity)
    expect(ln(-1)).toBeNaN()
    expect(ln(NaN)).toBeNaN()
    expect(ln(Infinity)).toBe(Infinity)
  })
})

describe('exp', () => {
  it.each([
    [0, '3ff0000000000000'],
    // fdlibm is famous for missing e by one unit here; engines that patch it would not be bit-equal to us.
    [1, '4005bf0a8b14576a'],
    [-1, '3fd78b56362cef38'],
    [-26.1, '3d9454eabe38557d'],
    [-745, '0000000000000001'],
  ])('of %d has the bits %s', (x, expected) => {
    expect(bits(exp(x))).toBe(expected)
  })

  it('is the platform exponential to within one unit in the last place', () => {
    for (let i = 1; i < 20_000; i++) {
      const x = -(((i * 2654435761) % 4294967296) / 2 ** 32) * 700
      expect(unitsApart(exp(x), Math.exp(x))).toBeLessThanOrEqual(1)
    }
  })

  it('follows the conventions at the edges', () => {
    expect(exp(-Infinity)).toBe(0)
    expect(exp(-800)).toBe(0)
    expect(exp(800)).toBe(Infinity)
    expect(exp(NaN)).toBeNaN()
  })
})
