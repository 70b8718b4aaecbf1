import * as v from 'valibot'
import { modelHash } from '#shared/base/ids.ts'
import { epochMillis, millis } from '#shared/base/units.ts'
import { TASKS } from '#shared/models/task.ts'
import type { Measured } from '#shared/peer/shelved-engine.ts'
import { openRecords, type KeptRecords } from './kept-records.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const speed = v.pipe(v.number(), v.finite(), v.minValue(0))

const shownSchema = v.object({
  info: v.object({
    task: v.picklist(TASKS),
    model: v.pipe(v.string(), v.hexadecimal(), v.length(64), v.transform(modelHash)),
    backend: v.picklist(['webgpu', 'wasm']),
    adapter: v.pipe(v.string(), v.maxLength(500)),
    contextLength: count,
    dimensions: v.optional(count),
    vocabSize: count,
    prefillTokensPerSecond: speed,
    decodeTokensPerSecond: speed,
    batchTokensPerSecond: speed,
    streams: v.pipe(count, v.minValue(1), v.maxValue(64)),
  }),
  selfTest: v.object({
    right: count,
    total: count,
    prefillTokensPerSecond: speed,
    decodeTokensPerSecond: speed,
  }),
  testedAt: v.pipe(count, v.transform(epochMillis)),
  loadMs: v.pipe(speed, v.transform(millis)),
  at: v.pipe(count, v.transform(epochMillis)),
})

/** What a model showed when it was loaded last on this device, with when that was written down. */
export type ShownModel = Measured & Pick<v.InferOutput<typeof shownSchema>, 'at'>

/** In this browser's own database. */
export function openShownModels(database = 'infernet-shown'): KeptRecords<ShownModel> {
  return openRecords({ database, store: 'models' }, shownSchema)
}
