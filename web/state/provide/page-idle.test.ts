import { expect, it } from 'vitest'
import { MINUTE_MS } from '#shared/base/units.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { watchPageIdle } from './page-idle.ts'

it('is idle two minutes after the last touch, and in use at the next one', async () => {
  const clock = new FakeClock()
  const page = new EventTarget()
  const idle = watchPageIdle(page, clock)
  const told: boolean[] = []
  const stop = idle.onChange(() => told.push(idle.isIdle))
  await clock.advance(MINUTE_MS)
  page.dispatchEvent(new Event('pointermove'))
  await clock.advance(2 * MINUTE_MS - 1)
  expect([idle.isIdle, told]).toEqual([false, []])
  await clock.advance(1)
  expect(told).toEqual([true])
  for (let i = 0; i < 3; i++) page.dispatchEvent(new Event('keydown'))
  expect(told).toEqual([true, false])
  await clock.advance(2 * MINUTE_MS)
  expect(told).toEqual([true, false, true])
  stop()
  page.dispatchEvent(new Event('wheel'))
  expect(told).toHaveLength(3)
})
