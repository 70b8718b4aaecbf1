import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../testing/fake-clock.ts'
import { RateCap } from './rate-cap.ts'

describe('RateCap', () => {
  it.each([NaN, -1, -Infinity, 0])('lets nothing out at %s, and goes on with the next rate', async (rate) => {
    const clock = new FakeClock()
    const cap = new RateCap(clock, 1000)
    await cap.take(1)
    cap.set(rate)
    let went = false
    void cap.take(100).then(() => (went = true))
    await clock.advance(5000)
    expect([went, cap.bytesPerSecond]).toEqual([false, 0])
    cap.set(1000)
    await clock.advance(1000)
    expect(went).toBe(true)
  })

  it('takes a rate without end for none', async () => {
    const cap = new RateCap(new FakeClock(), Infinity)
    await cap.take(1e9)
    expect(cap.bytesPerSecond).toBeUndefined()
  })

  it('lets none wait for one who left the line', async () => {
    const clock = new FakeClock()
    const cap = new RateCap(clock, 0)
    const leaving = Array.from({ length: 100 }, () => new AbortController())
    const left = Promise.allSettled(leaving.map(({ signal }) => cap.take(1e9, { signal })))
    let went = false
    void cap.take(1).then(() => (went = true))
    for (const each of leaving) each.abort(new Error('left'))
    cap.set(1000)
    await clock.advance(1000)
    await left
    expect(went).toBe(true)
  })
})
