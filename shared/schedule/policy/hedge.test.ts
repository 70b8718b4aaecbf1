import { describe, expect, it } from 'vitest'
import { millis } from '../../base/units.ts'
import { seededChance } from '../../testing/chance.ts'
import { HedgeBudget, useOf } from './hedge.ts'

const empty = { bytes: (length: number) => new Uint8Array(length) }
const full = { bytes: (length: number) => new Uint8Array(length).fill(255) }

describe('the budget of hedges', () => {
  it('has one for 34 questions, and saves up three', () => {
    const budget = new HedgeBudget(empty)
    for (let i = 0; i < 33; i++) budget.asked()
    expect(budget.take(0)).toBe(false)
    budget.asked()
    expect(budget.take(0)).toBe(true)
    expect(budget.take(0)).toBe(false)
    for (let i = 0; i < 1000; i++) budget.asked()
    expect([1, 2, 3, 4].map(() => budget.take(0))).toEqual([true, true, true, false])
  })

  it('begins by chance, so that many who ask once keep to 3 % together', () => {
    const chance = seededChance(1)
    const random = {
      bytes: (length: number) => Uint8Array.from({ length }, () => Math.floor(chance() * 256)),
    }
    let taken = 0
    for (let tab = 0; tab < 2000; tab++) {
      const budget = new HedgeBudget(random)
      budget.asked()
      if (budget.take(0)) taken++
    }
    expect(taken / 2000).toBeGreaterThan(0.02)
    expect(taken / 2000).toBeLessThan(0.04)
  })

  it('is closed above three quarters of use', () => {
    const budget = new HedgeBudget(full)
    budget.asked()
    expect(budget.take(0.76)).toBe(false)
    expect(budget.take(0.75)).toBe(true)
  })
})

describe('the wait for a first token', () => {
  it('is three seconds at least, and twice the prediction before more is known', () => {
    const budget = new HedgeBudget(empty)
    expect(budget.waitMs(millis(100))).toBe(3000)
    expect(budget.waitMs(millis(2000))).toBe(4000)
  })

  it('is the 95th percentile of what was seen', () => {
    const budget = new HedgeBudget(empty)
    for (let i = 1; i <= 20; i++) budget.began({ observedMs: millis(100 * i), expectedMs: millis(1000) })
    expect(budget.waitMs(millis(10_000))).toBe(19_000)
    for (let i = 0; i < 64; i++) budget.began({ observedMs: millis(1000), expectedMs: millis(1000) })
    expect(budget.waitMs(millis(10_000))).toBe(10_000)
  })
})

it('counts the use of a model by all its places', () => {
  expect(
    useOf([
      { slots: 4, busySlots: 1 },
      { slots: 1, busySlots: 3 },
    ]),
  ).toBe(0.8)
  expect(useOf([])).toBe(1)
})
