import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAttack } from '../hostile/attack.ts'
import { BOUNDS, lossesOf, measureAttack, QUESTIONS, type AttackResult } from '../hostile/measure-attack.ts'
import type { BenchOptions } from './figure.ts'
import { wallsTable } from './walls/table.ts'

const ATTACKS = fileURLToPath(new URL('../hostile/attacks/', import.meta.url))
const QUICK_QUESTIONS = 5

/**
 * What each attack of `e2e/hostile` takes, and what the honest side loses to it: the same figures by which its test judges.
 * A table of all of them comes last, on standard error.
 */
export async function benchWalls({ quick, only, print }: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  const rows: { result: AttackResult; losses: readonly string[] }[] = []
  const all = globSync('*.ts', { cwd: ATTACKS }).map((file) => basename(file, '.ts'))
  const names = all.toSorted().filter((name) => only.length === 0 || only.some((part) => name.includes(part)))
  if (names.length === 0) failed.push('walls: no such attack')
  for (const attack of names) {
    try {
      const bounds = { ...BOUNDS, ...(await loadAttack(attack)).setting?.bounds }
      const result = await measureAttack(attack, { questions: quick ? QUICK_QUESTIONS : QUESTIONS })
      rows.push({ result, losses: lossesOf(result, bounds) })
      const figure = { bench: 'walls', case: { attack } }
      const { honestSuccess, honestTtftRatio, questions } = result
      print(
        { ...figure, metric: 'honestSuccess', value: honestSuccess, unit: 'of questions', runs: questions },
        { atLeast: bounds.honestSuccess },
      )
      if (honestTtftRatio !== undefined)
        print(
          { ...figure, metric: 'honestTtftRatio', value: honestTtftRatio, unit: 'times', runs: questions },
          { atMost: bounds.honestTtftRatio },
        )
      for (const [cost, value] of Object.entries(result.attackerCost))
        print({ ...figure, metric: 'attackerCost', case: { attack, cost }, value: Number(value), unit: cost })
    } catch (thrown) {
      failed.push(`walls: ${attack}`)
      console.error(`walls: ${attack} could not be measured:`, thrown)
    }
  }
  console.error(wallsTable(rows))
  return failed
}
