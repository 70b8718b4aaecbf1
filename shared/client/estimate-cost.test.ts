import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pricePerToken } from '../testing/prices.ts'
import { estimateCost, estimateRedundantCost } from './estimate-cost.ts'

const price = pricePerToken(3n, 50n)
const lengths = { promptTokens: 10, maxTokens: 500, usualTokens: 128 }

describe('the cost of an answer', () => {
  it('is estimated as likely for a usual answer, and at most for the longest', () => {
    expect(estimateCost([price], lengths)).toEqual({ likely: 30n + 6400n, atMost: 30n + 25_000n })
  })

  it('is estimated by the dearest price, and not at all without one', () => {
    // Of these the first is the dearest for a short answer, the last for a long one.
    const prices = [pricePerToken(700n, 1n), price, pricePerToken(1n, 51n)]
    expect(estimateCost(prices, lengths)).toEqual({ likely: 7000n + 128n, atMost: 10n + 25_500n })
    expect(estimateCost([], lengths)).toBeUndefined()
  })

  it('is never likely to be more than at most', () => {
    const count = fc.nat(20_000)
    fc.assert(
      fc.property(count, count, count, (promptTokens, maxTokens, usualTokens) => {
        const { likely, atMost } = estimateCost([price], { promptTokens, maxTokens, usualTokens }) ?? {}
        expect(likely! <= atMost!).toBe(true)
      }),
    )
  })
})

describe('the cost of an answer of two providers', () => {
  it('is that of the two dearest, or twice that of the only one', () => {
    const [cheap, dear] = [pricePerToken(1n, 2n), pricePerToken(1n, 90n)]
    const one = estimateCost([price], lengths)
    const other = estimateCost([dear], lengths)
    expect(estimateRedundantCost([cheap, price, dear], lengths)).toEqual({
      likely: one!.likely + other!.likely,
      atMost: one!.atMost + other!.atMost,
    })
    expect(estimateRedundantCost([price], lengths)).toEqual({
      likely: 2n * one!.likely,
      atMost: 2n * one!.atMost,
    })
    expect(estimateRedundantCost([], lengths)).toBeUndefined()
  })
})
