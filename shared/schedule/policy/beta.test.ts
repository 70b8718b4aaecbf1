import { describe, expect, it } from 'vitest'
import { seededChance } from '../../testing/chance.ts'
import { drawBeta, evenFrom } from './beta.ts'

describe('a draw of the beta distribution', () => {
  it.each([
    [1, 1],
    [1, 2],
    [9, 1],
    [1, 21],
    [500, 3],
  ])('Beta(%d, %d) has its mean, its variance and its third moment', (a, b) => {
    const even = seededChance(a * 1000 + b)
    const draws = Array.from({ length: 40_000 }, () => drawBeta(a, b, even))
    const mean = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / draws.length
    const n = a + b
    const moments = [a / n, (a * (a + 1)) / (n * (n + 1)), (a * (a + 1) * (a + 2)) / (n * (n + 1) * (n + 2))]
    const variance = (power: number) => (mean(2 * power) - mean(power) ** 2) / draws.length
    // Five standard errors: a sampler that is right fails once in two million.
    for (const [i, moment] of moments.entries())
      expect(Math.abs(mean(i + 1) - moment)).toBeLessThan(5 * Math.sqrt(variance(i + 1)))
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draws)).toBeLessThanOrEqual(1)
  })
})

describe('even numbers', () => {
  it('come from 32 bits each, and are never 0 nor 1', () => {
    let asked = 0
    const words = [0, 2 ** 31, 2 ** 32 - 1]
    const random = {
      bytes: (length: number) => {
        asked++
        const bytes = new Uint8Array(length)
        for (const [i, word] of words.entries()) new DataView(bytes.buffer).setUint32(4 * i, word)
        return bytes
      },
    }
    const even = evenFrom(random)
    const [least, half, most] = [even(), even(), even()]
    expect(least).toBeGreaterThan(0)
    expect(half).toBeCloseTo(0.5)
    expect(most).toBeLessThan(1)
    for (let i = 3; i < 256; i++) even()
    expect(asked).toBe(1)
    even()
    expect(asked).toBe(2)
  })
})
