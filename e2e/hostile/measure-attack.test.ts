import { expect, it } from 'vitest'
import { lossesOf, type AttackResult } from './measure-attack.ts'

const LOOP = { stallMs: 12, lateMs: 300, peakMb: 200, heldMb: 50, keptMb: 3 }
const WITHSTOOD: AttackResult = {
  attack: 'some',
  questions: 20,
  honestSuccess: 1,
  honestTtftRatio: 1.2,
  attackerCost: { keys: 1 },
  ttftMs: { without: 100, beside: 120 },
  failures: [],
  loops: { relay: LOOP, consumer: LOOP },
}

it('finds no loss where all is within its bound, however busy the machine was', () => {
  expect(lossesOf(WITHSTOOD)).toEqual([])
})

it('names each loss beyond its bound', () => {
  const lost: AttackResult = {
    ...WITHSTOOD,
    honestSuccess: 0.9,
    honestTtftRatio: 2.5,
    ttftMs: { without: 100, beside: 250 },
    failures: ['schedule.nobody', 'schedule.nobody'],
    loops: { relay: { ...LOOP, stallMs: 900 }, consumer: { ...LOOP, keptMb: 40 } },
  }
  expect(lossesOf(lost)).toEqual([
    '2 of 20 questions failed: 2 schedule.nobody',
    'the first token took 2.50 times as long (250 ms)',
    "the relay's loop stood still for 900 ms",
    'the consumer kept 40 MB',
  ])
  expect(lossesOf(lost, { honestSuccess: 0.9, honestTtftRatio: 3, stallMs: 1000, keptMb: 50 })).toEqual([])
})

it('takes no first token at all for failures, not for speed', () => {
  const { honestTtftRatio: _, ...rest } = WITHSTOOD
  const none: AttackResult = {
    ...rest,
    honestTtftRatio: undefined,
    honestSuccess: 0,
    failures: Array.from({ length: 20 }, () => 'schedule.nobody'),
  }
  expect(lossesOf(none)).toEqual(['20 of 20 questions failed: 20 schedule.nobody'])
})
