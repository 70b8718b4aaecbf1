import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import type { Clock } from './clock.ts'
import { LazyTimers } from './lazy-timers.ts'
import { millis, MINUTE_MS } from './units.ts'

describe('LazyTimers', () => {
  let clock: FakeClock
  let timers: LazyTimers
  /** Timers that were set below. */
  let set: number
  let fired: string[]

  beforeEach(() => {
    clock = new FakeClock()
    set = 0
    fired = []
    const counting: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      schedule: (...timer) => {
        set++
        return clock.schedule(...timer)
      },
    }
    timers = new LazyTimers(counting)
  })
  const wait = (name: string, ms: number) =>
    timers.schedule(millis(ms), () => fired.push(`${name} ${clock.monotonic()}`))

  it('call back when they are due, in whatever order they were set', async () => {
    wait('late', 25_000)
    wait('soon', 300)
    wait('between', 12_000)
    wait('at once', 0)
    await clock.advance(MINUTE_MS)
    expect(fired).toEqual(['at once 0', 'soon 300', 'between 12000', 'late 25000'])
  })

  it('call nobody back who was stopped, also by another one at the same moment', async () => {
    wait('stopped', 100).stop()
    timers.schedule(millis(300), () => second.stop())
    const second = wait('second', 300)
    wait('third', 400)
    await clock.advance(1000)
    expect(fired).toEqual(['third 400'])
  })

  it('cost one timer, however many come and are stopped', async () => {
    for (let i = 0; i < 1000; i++) {
      wait('frame', 5000).stop()
      if (i % 100 === 0) await clock.advance(1)
    }
    expect(set).toBe(1)
  })

  it('leave none for long when all were stopped', async () => {
    wait('stopped', 10 * MINUTE_MS).stop()
    await clock.advance(10_000)
    const before = set
    await clock.advance(MINUTE_MS)
    expect(set).toBe(before)
  })

  it('go on when one of them throws', async () => {
    timers.schedule(millis(100), () => {
      throw new Error('of a callback')
    })
    wait('beside', 100)
    wait('next', 200)
    await expect(clock.advance(150)).rejects.toThrow('of a callback')
    await clock.advance(100)
    expect(fired).toEqual(['beside 100', 'next 200'])
  })
})
