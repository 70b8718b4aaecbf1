import { describe, expect, it } from 'vitest'
import { chanceOfAtLeast, wilsonInterval } from './binomial.ts'

describe('chanceOfAtLeast', () => {
  it.each([
    // Sums of exact fractions.
    [0, 5, 0.3, 1],
    [1, 5, 0.3, 1 - 0.7 ** 5],
    [5, 5, 0.3, 0.3 ** 5],
    [6, 5, 0.3, 0],
    [3, 4, 0.5, 5 / 16],
    [1, 3, 0, 0],
    [2, 3, 1, 1],
  ])('%d of %d at %d is %d', (hits, trials, rate, chance) => {
    expect(chanceOfAtLeast(hits, trials, rate)).toBeCloseTo(chance, 12)
  })

  it('is right far out, where a normal distribution is not', () => {
    // Poisson: at a mean of 0.064, four and more have 6.64e-7.
    expect(chanceOfAtLeast(4, 128, 0.0005)).toBeGreaterThan(6.2e-7)
    expect(chanceOfAtLeast(4, 128, 0.0005)).toBeLessThan(6.7e-7)
  })

  it('falls with each further hit, over the longest answer', () => {
    let before = 1
    for (let hits = 1; hits <= 8192; hits += 97) {
      const chance = chanceOfAtLeast(hits, 8192, 0.01)
      expect(chance).toBeLessThanOrEqual(before)
      before = chance
    }
  })
})

describe('wilsonInterval', () => {
  it('is that of the textbook', () => {
    // 10 of 100: 0.0552 to 0.1744.
    const { rate, low, high } = wilsonInterval(10, 100)
    expect([rate, low, high].map((value) => value.toFixed(4))).toEqual(['0.1000', '0.0552', '0.1744'])
  })

  it('has an upper bound where nothing was seen', () => {
    const { low, high } = wilsonInterval(0, 2000)
    expect(low).toBe(0)
    expect(high).toBeCloseTo(0.001917, 5)
  })
})
