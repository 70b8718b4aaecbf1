import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { baseUnits } from '../base/units.ts'
import { costOf, estimateCost } from './cost.ts'

const price = { perPromptToken: baseUnits(3n), perOutputToken: baseUnits(50n) }

describe('the cost of an answer', () => {
  it('is the price of the tokens that are read and of those that are written', () => {
    expect(costOf(price, 100, 7)).toBe(650n)
    expect(costOf(price, 0, 0)).toBe(0n)
  })

  it('is estimated as likely for a usual answer, and at most for the longest', () => {
    const lengths = { promptTokens: 10, maxTokens: 500, usualTokens: 128 }
    expect(estimateCost(price, lengths)).toEqual({ likely: 30n + 6400n, atMost: 30n + 25_000n })
  })

  it('is never likely to be more than at most', () => {
    const count = fc.nat(20_000)
    fc.assert(
      fc.property(count, count, count, (promptTokens, maxTokens, usualTokens) => {
        const { likely, atMost } = estimateCost(price, { promptTokens, maxTokens, usualTokens })
        expect(likely <= atMost).toBe(true)
      }),
    )
  })
})
