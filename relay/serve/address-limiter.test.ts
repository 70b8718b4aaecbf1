import { expect, test } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { AddressLimiter } from './address-limiter.ts'

const rate = { burst: 3, perSecond: 1 }

test('a burst passes, then the rate holds', async () => {
  const clock = new FakeClock()
  const limiter = new AddressLimiter(clock, { rate, parallel: 100 })
  expect([1, 2, 3].map(() => typeof limiter.enter('a'))).toEqual(['function', 'function', 'function'])
  expect(limiter.enter('a')).toBe('address-rate')
  expect(typeof limiter.enter('b')).toBe('function')
  await clock.advance(1000)
  expect(typeof limiter.enter('a')).toBe('function')
  expect(limiter.enter('a')).toBe('address-rate')
})

test('what is open at once is bounded, for each and for all, and leaving twice counts once', () => {
  const limiter = new AddressLimiter(new FakeClock(), {
    rate: { burst: 99, perSecond: 99 },
    parallel: 2,
    total: 3,
  })
  const leave = limiter.enter('a')
  limiter.enter('a')
  expect(limiter.enter('a')).toBe('address-parallel')
  limiter.enter('b')
  expect(limiter.enter('c')).toBe('total')
  if (typeof leave === 'string') throw new Error(leave)
  leave()
  leave()
  expect(limiter.open).toBe(2)
  expect(typeof limiter.enter('c')).toBe('function')
  expect(limiter.enter('d')).toBe('total')
})

test('the table is bounded: idle addresses are forgotten, busy ones are kept', async () => {
  const clock = new FakeClock()
  const limiter = new AddressLimiter(clock, { rate, parallel: 1, maxTracked: 2 })
  const leave = limiter.enter('busy')
  const gone = limiter.enter('gone')
  if (typeof gone === 'string' || typeof leave === 'string') throw new Error('refused')
  gone()
  expect(limiter.enter('new')).toBe('table-full')
  await clock.advance(3000)
  expect(typeof limiter.enter('new')).toBe('function')
  expect(limiter.tracked).toBe(2)
  expect(limiter.enter('busy')).toBe('address-parallel')
})
