import { expect, it } from 'vitest'
import { waitedPart, withdrawalWords } from './withdrawal-words.ts'

const DAY = 86_400
const asked = { withdrawAt: 3 * DAY, withdrawableAt: 3 * DAY, graceSeconds: 3 * DAY }
const late = { ...asked, withdrawableAt: 5 * DAY }
const at = (chainNow: number) => ({ chainNow, now: chainNow * 1000 })

it('promises no day on which a withdrawal may be finished before it has come', () => {
  expect(withdrawalWords(asked, at(DAY))).toMatch(
    /^Yours in 2 days, .* It takes up to two days more where providers claim all that a day allows\.$/,
  )
})

it('says what holds it up after the grace, and when that is over', () => {
  expect(withdrawalWords(late, at(4 * DAY))).toMatch(
    /^Yours in 24 h.*Providers claimed all that a day allows, so they have one more day for the rest\./,
  )
  expect(withdrawalWords(late, at(5 * DAY))).toMatch(/^The time for claims is over\./)
  expect(withdrawalWords(asked, at(3 * DAY))).toMatch(/^The time for claims is over\./)
})

it('shows the part of the wait that is over, also where it became longer', () => {
  expect([0, 1.5, 3, 4].map((days) => waitedPart(asked, days * DAY))).toEqual([0, 0.5, 1, 1])
  expect([-1, 2.5, 5].map((days) => waitedPart(late, days * DAY))).toEqual([0, 0.5, 1])
})
