import { beforeEach, expect, it } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { SoonTimer } from './soon-timer.ts'

let clock: FakeClock
let ran: number[]
let timer: SoonTimer

beforeEach(() => {
  clock = new FakeClock()
  ran = []
  const begun = clock.monotonic()
  timer = new SoonTimer(clock, () => void ran.push(clock.monotonic() - begun))
})

it('runs once, at the earliest of the times that were wished', async () => {
  timer.within(100)
  timer.within(30)
  timer.within(60)
  await clock.advance(500)
  expect(ran).toEqual([30])
})

it('runs again for a wish that comes after it ran', async () => {
  timer.within(30)
  await clock.advance(30)
  timer.within(100)
  await clock.advance(100)
  expect(ran).toEqual([30, 130])
})

it('runs never again once stopped, whatever is wished', async () => {
  timer.within(30)
  timer.stop()
  timer.within(10)
  await clock.advance(500)
  expect(ran).toEqual([])
})
