import { describe, expect, it } from 'vitest'
import { baseUnits, millis } from '../base/units.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { someAddress } from '../testing/payments.ts'
import { FULL_CREDIT_MS, MAX_DEBTORS } from './constants.ts'
import { FirstCredit, type Standing } from './first-credit.ts'

describe('what a provider lends a payer before a claim', () => {
  const standing = (changes: Partial<Standing> = {}): Standing => ({
    ...{ payer: someAddress('a1'), epoch: 0, balance: baseUnits(8000n), claimed: baseUnits(0n) },
    ...changes,
  })

  it('is an eighth of the deposit, and grows to all of it within a day', async () => {
    const clock = new FakeClock()
    const credit = new FirstCredit(clock)
    expect(credit.of(standing())).toBe(1000n)
    await clock.advance(millis(FULL_CREDIT_MS / 8))
    expect(credit.of(standing())).toBe(1000n)
    await clock.advance(millis(FULL_CREDIT_MS / 8))
    expect(credit.of(standing())).toBe(2000n)
    await clock.advance(millis(FULL_CREDIT_MS))
    expect(credit.of(standing())).toBe(8000n)
  })

  it('grows with what was claimed, and falls with the deposit', () => {
    const credit = new FirstCredit(new FakeClock())
    expect(credit.of(standing({ claimed: baseUnits(700n), balance: baseUnits(4000n) }))).toBe(1200n)
  })

  it('begins anew with another deposit', async () => {
    const clock = new FakeClock()
    const credit = new FirstCredit(clock)
    credit.of(standing())
    await clock.advance(millis(FULL_CREDIT_MS))
    expect(credit.of(standing())).toBe(8000n)
    expect(credit.of(standing({ epoch: 1 }))).toBe(1000n)
  })

  it('forgets the time of the idlest, never of one that is asked for', async () => {
    const clock = new FakeClock()
    const credit = new FirstCredit(clock)
    credit.of(standing())
    credit.of(standing({ payer: someAddress('a2') }))
    await clock.advance(millis(FULL_CREDIT_MS))
    credit.of(standing())
    for (let epoch = 1; epoch < MAX_DEBTORS; epoch++) credit.of(standing({ epoch }))
    expect(credit.of(standing())).toBe(8000n)
    expect(credit.of(standing({ payer: someAddress('a2') }))).toBe(1000n)
  })
})
