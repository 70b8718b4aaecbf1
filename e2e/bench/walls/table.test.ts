import { expect, it } from 'vitest'
import type { AttackResult } from '../../hostile/measure-attack.ts'
import { wallsTable } from './table.ts'

const RESULT: AttackResult = {
  attack: 'some',
  questions: 20,
  honestSuccess: 1,
  honestTtftRatio: 1.234,
  attackerCost: { keys: 32, seconds: 9 },
  ttftMs: { without: 100, beside: 123.4 },
  failures: [],
  loops: { relay: { stallMs: 12.4, lateMs: 300, peakMb: 200, heldMb: 50, keptMb: 3 } },
}

it('has a line for each attack, with what it took and what was lost beyond the bounds', () => {
  const { honestTtftRatio: _, ...rest } = RESULT
  const lost: AttackResult = { ...rest, honestTtftRatio: undefined, attack: 'other', failures: ['a', 'a'] }
  const table = wallsTable([
    { result: RESULT, losses: [] },
    { result: lost, losses: ['2 of 20 questions failed: 2 a'] },
  ])
  expect(table.split('\n')).toEqual([
    'attack  success   first token  longest turn  attacker’s cost     beyond the bounds',
    'some    20 of 20  × 1.23       12 ms         32 keys, 9 seconds  nothing',
    'other   18 of 20  none         12 ms         32 keys, 9 seconds  2 of 20 questions failed: 2 a',
  ])
})
