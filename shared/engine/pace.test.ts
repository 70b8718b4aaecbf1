import { describe, expect, it } from 'vitest'
import { millis } from '../base/units.ts'
import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/wait.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createDutyPace } from './pace.ts'

/** A clock whose timers come late, as those of a busy or a hidden page do. */
function late(clock: FakeClock, byMs: () => number): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: (delay, callback) => clock.schedule(millis(delay + byMs()), callback),
  }
}

/** Works for about `forMs` in steps of `stepMs` and tells which share of that time was work. */
async function shareOf(
  clock: FakeClock,
  { timers = clock, share, stepMs, forMs }: ShareCase,
): Promise<number> {
  const pace = createDutyPace(timers, share)
  const end = clock.monotonic() + forMs
  let busy = 0
  let done = false
  const working = (async () => {
    for (let i = 0; clock.monotonic() < end; i++) {
      const ms = typeof stepMs === 'number' ? stepMs : stepMs(i)
      await sleep(clock, millis(ms))
      busy += ms
      await pace.afterStep(ms)
    }
    done = true
    return busy / (clock.monotonic() - (end - forMs))
  })()
  for (let i = 0; !done; i++) {
    if (i > 10_000) throw new Error('the worker never came to its end')
    await clock.advance(250)
  }
  return working
}

interface ShareCase {
  readonly timers?: Clock
  readonly share: () => number
  readonly stepMs: number | ((i: number) => number)
  readonly forMs: number
}

describe('createDutyPace', () => {
  it.each([
    [0.5, 5, 2000],
    [0.25, 5, 3000],
    [0.7, 12, 2000],
    [0.9, 30, 3000],
    [0.1, 8, 6000],
    [0.5, 700, 12_000],
    [0.3, 1500, 30_000],
  ])('holds a share of %d within a tenth, with steps of %d ms', async (share, stepMs, forMs) => {
    const got = await shareOf(new FakeClock(), { share: () => share, stepMs, forMs })
    expect(got / share).toBeGreaterThan(0.9)
    expect(got / share).toBeLessThan(1.1)
  })

  it('holds it with steps of every length', async () => {
    const got = await shareOf(new FakeClock(), {
      share: () => 0.4,
      stepMs: (i) => (i % 10 === 0 ? 400 : 3 + (i % 7)),
      forMs: 20_000,
    })
    expect(got / 0.4).toBeGreaterThan(0.9)
    expect(got / 0.4).toBeLessThan(1.1)
  })

  it.each([4, 60, 300])('holds it with timers that come %d ms late', async (ms) => {
    const clock = new FakeClock()
    let i = 0
    const timers = late(clock, () => (i++ * 37) % ms)
    const got = await shareOf(clock, { timers, share: () => 0.6, stepMs: 11, forMs: 4000 })
    expect(got / 0.6).toBeGreaterThan(0.9)
    expect(got / 0.6).toBeLessThan(1.1)
  })

  it('asks for no rest at a full share', async () => {
    const clock = new FakeClock()
    const pace = createDutyPace(clock, () => 1)
    expect(pace.afterStep(5000)).toBeUndefined()
  })

  it('notices a share that is raised while it rests', async () => {
    const clock = new FakeClock()
    let share = 0.1
    let rested = false
    void createDutyPace(clock, () => share)
      .afterStep(2000)
      ?.then(() => (rested = true))
    await clock.advance(1000)
    expect(rested).toBe(false)
    share = 1
    await clock.advance(600)
    expect(rested).toBe(true)
  })

  it('takes quiet time for rest that was owed, and saves none of it', async () => {
    const clock = new FakeClock()
    const pace = createDutyPace(clock, () => 0.5)
    void pace.afterStep(400)
    await clock.advance(60_000)
    expect(await shareOf(clock, { share: () => 0.5, stepMs: 10, forMs: 2000 })).toBeLessThan(0.55)
    // The debt of the first step is gone: a short one asks for nothing.
    expect(pace.afterStep(10)).toBeUndefined()
    expect(pace.afterStep(15)).toBeDefined()
  })

  it('counts a rest that was left alone once', async () => {
    const clock = new FakeClock()
    const pace = createDutyPace(clock, () => 0.5)
    void pace.afterStep(1000)
    await clock.advance(300)
    // The engine works on although 700 ms are owed; they are still owed afterwards.
    await clock.advance(100)
    let rested = false
    void pace.afterStep(100)?.then(() => (rested = true))
    await clock.advance(700)
    expect(rested).toBe(false)
    await clock.advance(150)
    expect(rested).toBe(true)
  })

  it('never stops the engine for good, whatever share it is given', async () => {
    for (const share of [0, -1]) {
      const clock = new FakeClock()
      let rested = false
      void createDutyPace(clock, () => share)
        .afterStep(100)
        ?.then(() => (rested = true))
      await clock.advance(2000)
      expect(rested).toBe(true)
    }
  })
})
