import * as v from 'valibot'
import { epochMillis } from '#shared/base/units.ts'
import type { ResultStore } from '#shared/engine/subgroup-trial.ts'
import { openRecords } from './kept-records.ts'

const resultSchema = v.object({
  on: v.boolean(),
  why: v.picklist(['faster', 'slower', 'wrong', 'failed']),
  gain: v.union([v.undefined(), v.pipe(v.number(), v.finite())]),
  operators: v.union([v.undefined(), v.pipe(v.string(), v.maxLength(64))]),
  at: v.pipe(v.number(), v.safeInteger(), v.transform(epochMillis)),
})

/** What trials of GPU features found, in this browser's own database. */
export function openTrialResults(database = 'infernet-trials'): ResultStore {
  return openRecords({ database, store: 'results' }, resultSchema)
}
