import { beforeEach, describe, expect, it } from 'vitest'
import { MINUTE_MS } from '#shared/base/units.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { SpendBudget } from './spend-budget.ts'

describe('SpendBudget', () => {
  let clock: FakeClock
  let budget: SpendBudget
  beforeEach(() => {
    clock = new FakeClock()
    budget = new SpendBudget(clock, 100n)
  })

  it('sets aside what a job may come to, and gives back what it did not', () => {
    const first = budget.take(60n)
    expect([first?.amount, budget.left]).toEqual([60n, 40n])
    expect(budget.take(60n)?.amount).toBe(40n)
    expect([budget.left, budget.take(60n)]).toEqual([0n, undefined])
    first?.used(10n)
    expect(budget.left).toBe(50n)
  })

  it('counts a job that says more than was set aside as all of it', () => {
    budget.take(60n)?.used(1000n)
    expect(budget.left).toBe(40n)
  })

  it('is full again an hour after the money was spent, and not sooner', async () => {
    budget.take(60n)
    await clock.advance(30 * MINUTE_MS)
    budget.take(40n)
    await clock.advance(29 * MINUTE_MS)
    expect(budget.left).toBe(0n)
    await clock.advance(2 * MINUTE_MS)
    expect(budget.left).toBe(60n)
    await clock.advance(30 * MINUTE_MS)
    expect(budget.left).toBe(100n)
  })
})
