import { expect, test } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Turns } from './turns.ts'

const rate = { burst: 2, perSecond: 10 }

function rig(max = 100): {
  clock: FakeClock
  turns: Turns
  told: string[]
  come: (group: string) => () => void
} {
  const clock = new FakeClock()
  const turns = new Turns(clock, { rate, max, lookMs: 10 })
  const told: string[] = []
  const come = (group: string): (() => void) =>
    turns.wait(
      group,
      () => told.push(group),
      () => told.push(`${group} lost`),
    )
  return { clock, turns, told, come }
}

test('a burst begins at once, the rest at the rate', async () => {
  const { clock, turns, told, come } = rig()
  for (let count = 0; count < 5; count++) come('10.0.0.1')
  expect([told.length, turns.waiting]).toEqual([2, 3])
  await clock.advance(1000)
  expect([told.length, turns.waiting]).toEqual([5, 0])
})

test('who comes last goes first where its address block waits for less', async () => {
  const { clock, told, come } = rig()
  for (const host of [1, 2, 3, 4, 5, 6]) come(`10.0.0.${host}`)
  come('10.1.0.1')
  await clock.advance(110)
  expect(told).toEqual(['10.0.0.1', '10.0.0.2', '10.1.0.1'])
})

test('when too many wait, the address with most loses its newest', () => {
  const { told, come } = rig(3)
  for (let count = 0; count < 5; count++) come('10.0.0.1')
  come('10.1.0.1')
  expect(told.slice(2)).toEqual(['10.0.0.1 lost'])
})

test('who has gone takes no turn', async () => {
  const { clock, turns, told, come } = rig()
  come('10.0.0.1')
  come('10.0.0.1')
  come('10.0.0.1')()
  await clock.advance(1000)
  expect([told.length, turns.waiting]).toEqual([2, 0])
})
