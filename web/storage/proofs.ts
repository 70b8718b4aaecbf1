import * as v from 'valibot'
import { epochMillis } from '#shared/base/units.ts'
import type { ProofStore } from '#shared/engine/engine-proof.ts'
import { openRecords } from './kept-records.ts'

const speed = v.pipe(v.number(), v.finite(), v.minValue(0))

const proofSchema = v.object({
  rows: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(64)),
  gain: speed,
  prefillTokensPerSecond: speed,
  decodeTokensPerSecond: speed,
  at: v.pipe(v.number(), v.safeInteger(), v.transform(epochMillis)),
})

/** What starts of engines found out, in this browser's own database. */
export function openProofs(database = 'infernet-proofs'): ProofStore {
  return openRecords({ database, store: 'proofs' }, proofSchema)
}
