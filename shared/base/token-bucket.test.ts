import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { TokenBucket } from './token-bucket.ts'

const takeAll = (bucket: TokenBucket): number => {
  let taken = 0
  while (bucket.take()) taken++
  return taken
}

describe('TokenBucket', () => {
  it('allows a burst, then what comes back each second, never more than the burst', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, { burst: 5, perSecond: 2 })
    expect(takeAll(bucket)).toBe(5)
    await clock.advance(499)
    expect(bucket.take()).toBe(false)
    await clock.advance(1)
    expect(takeAll(bucket)).toBe(1)
    await clock.advance(60_000)
    expect(takeAll(bucket)).toBe(5)
  })

  it('takes nothing when there is not enough', () => {
    const bucket = new TokenBucket(new FakeClock(), { burst: 5, perSecond: 1 })
    expect(bucket.take(6)).toBe(false)
    expect(bucket.take(5)).toBe(true)
    expect(bucket.take(1)).toBe(false)
  })

  it('is full again when it was left alone, and says so without being asked for a token', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, { burst: 4, perSecond: 2 })
    expect(bucket.isFull).toBe(true)
    bucket.take(4)
    expect(bucket.isFull).toBe(false)
    await clock.advance(1999)
    expect(bucket.isFull).toBe(false)
    await clock.advance(1)
    expect(bucket.isFull).toBe(true)
  })

  it('never gives more than the burst and what time brought, in whatever rhythm it is asked', async () => {
    const steps = fc.array(fc.tuple(fc.nat(700), fc.integer({ min: 1, max: 4 })), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(steps, async (asked) => {
        const clock = new FakeClock()
        const bucket = new TokenBucket(clock, { burst: 6, perSecond: 3 })
        let given = 0
        for (const [pauseMs, cost] of asked) {
          await clock.advance(pauseMs)
          if (bucket.take(cost)) given += cost
        }
        expect(given).toBeLessThanOrEqual(6 + (clock.monotonic() / 1000) * 3 + 1e-6)
      }),
      { numRuns: 10 },
    )
  })
})
