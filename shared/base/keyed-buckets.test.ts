import { expect, it } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { KeyedBuckets } from './keyed-buckets.ts'

it('gives each its own rate, and forgets those first who took nothing lately', async () => {
  const clock = new FakeClock()
  const buckets = new KeyedBuckets<string>(clock, { burst: 2, perSecond: 1 }, 3)
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a'), buckets.take('b')]).toEqual([
    true,
    true,
    false,
    true,
  ])
  await clock.advance(1000)
  expect([buckets.take('a'), buckets.take('a')]).toEqual([true, false])
  buckets.take('c')
  // `b` is full again by now, and goes; `a` is remembered.
  buckets.take('d')
  expect(buckets.size).toBe(3)
  expect(buckets.take('a')).toBe(false)
  for (let i = 0; i < 100; i++) buckets.take(`${i}`)
  expect(buckets.size).toBe(3)
})
