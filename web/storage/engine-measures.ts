import * as v from 'valibot'
import { epochMillis } from '#shared/base/units.ts'
import type { MeasureStore } from '#shared/engine/engine-measure.ts'
import { openRecords } from './kept-records.ts'

const speed = v.pipe(v.number(), v.finite(), v.minValue(0))

const measureSchema = v.object({
  rows: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(64)),
  gain: speed,
  prefillTokensPerSecond: speed,
  decodeTokensPerSecond: speed,
  at: v.pipe(v.number(), v.safeInteger(), v.transform(epochMillis)),
})

/** What starts of engines found out, in this browser's own database. */
export function openMeasures(database = 'infernet-measures'): MeasureStore {
  return openRecords({ database, store: 'measures' }, measureSchema)
}
