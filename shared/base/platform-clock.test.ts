import { expect, it } from 'vitest'
import { platformClock } from './platform-clock.ts'
import { millis } from './units.ts'

/** Timers whose every word stands in a list. */
function writtenTimers() {
  const said: unknown[] = []
  const timers = {
    Date: { now: () => 1_700_000_000_000 },
    performance: { now: () => 12.5 },
    setTimeout(callback: () => void, delayMs: number) {
      said.push(['set', delayMs, this === timers])
      callback()
      return 'the timer'
    },
    clearTimeout(timer: string) {
      said.push(['clear', timer, this === timers])
    },
  }
  return { said, timers }
}

it('tells the wall clock’s time and the time that never goes back, each from its own source', () => {
  const clock = platformClock(writtenTimers().timers)
  expect([clock.now(), clock.monotonic()]).toEqual([1_700_000_000_000, 12.5])
})

it('calls back after the delay, and stops that very timer', () => {
  const { said, timers } = writtenTimers()
  let calls = 0
  const timer = platformClock(timers).schedule(millis(250), () => calls++)
  timer.stop()
  expect(said, 'a platform refuses timers that are called off their object').toEqual([
    ['set', 250, true],
    ['clear', 'the timer', true],
  ])
  expect(calls).toBe(1)
})

it('takes what this platform has', async () => {
  const clock = platformClock(globalThis)
  const stopped: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  clock.schedule(millis(1), () => stopped.push('stopped')).stop()
  clock.schedule(millis(2), resolve)
  await promise
  expect(stopped).toEqual([])
})
