import { expect, it } from 'vitest'
import { clockWords } from './clock-words.ts'

it.each([
  [120_000, 'This computer’s clock is 2 minutes behind the relay’s.'],
  [-120_000, 'This computer’s clock is 2 minutes ahead of the relay’s.'],
  [45_000, 'This computer’s clock is 1 minute behind the relay’s.'],
  [-29_600_000, 'This computer’s clock is 8 hours ahead of the relay’s.'],
  [9 * 86_400_000, 'This computer’s clock is 9 days behind the relay’s.'],
])('says which way a clock is off by %i ms', (aheadMs, words) => {
  expect(clockWords(aheadMs)).toContain(words)
})

it('says nothing of a difference that troubles nobody', () => {
  expect([clockWords(0), clockWords(20_000), clockWords(-20_000)]).toEqual([undefined, undefined, undefined])
})
