import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { baseUnits } from '../base/units.ts'
import { pricePerToken } from '../testing/prices.ts'
import { costOf } from './cost.ts'

const price = pricePerToken(3n, 50n)

describe('the cost of an answer', () => {
  it('is the price of the tokens that are read and of those that are written', () => {
    expect(costOf(price, 100, 7)).toBe(650n)
    expect(costOf(price, 0, 0)).toBe(0n)
  })

  it('is rounded up once, so that nothing is free and the parts of an answer never come to less than it', () => {
    const fine = { promptPerMillion: baseUnits(1n), outputPerMillion: baseUnits(200_000n) }
    expect([costOf(fine, 1, 0), costOf(fine, 0, 5), costOf(fine, 1, 5), costOf(fine, 0, 10)]).toEqual([
      1n,
      1n,
      2n,
      2n,
    ])
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.bigInt(0n, 3_000_000n), (first, second, each) => {
        const at = { promptPerMillion: baseUnits(0n), outputPerMillion: baseUnits(each) }
        const [parts, whole] = [costOf(at, 0, first) + costOf(at, 0, second), costOf(at, 0, first + second)]
        expect(whole <= parts && parts - whole <= 1n).toBe(true)
      }),
    )
  })
})
