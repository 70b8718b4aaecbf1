import { baseUnits } from '../base/units.ts'
import type { Price } from './prompt.ts'

/** What a provider asks that nobody can pay: one without a chain, or without an account on it. */
export const FREE_PRICE: Price = { promptPerMillion: baseUnits(0n), outputPerMillion: baseUnits(0n) }

/** True when neither reading nor writing costs anything. */
export function isFree({ promptPerMillion, outputPerMillion }: Price): boolean {
  return promptPerMillion === 0n && outputPerMillion === 0n
}
