import { expect } from 'vitest'
import { loadAttack } from './attack.ts'
import { lossesOf, measureAttack, type AttackResult } from './measure-attack.ts'

/** Runs an attack of this folder against an honest side, and expects that it loses no more than its bounds allow. */
export async function withstands(name: string): Promise<AttackResult> {
  const { setting } = await loadAttack(name)
  const result = await measureAttack(name)
  console.log(JSON.stringify(result))
  expect(lossesOf(result, setting?.bounds)).toEqual([])
  return result
}
