import * as v from 'valibot'
import type { PeerName } from '../../base/ids.ts'
import { epochMillisField, modelHashField } from '../../wire/fields.ts'
import { openSigned, type Signed } from '../../wire/signed.ts'
import type { GoldenFacts } from './golden-book.ts'

const factsSchema = v.object({ model: modelHashField, at: epochMillisField, expiresAt: epochMillisField })

/**
 * Verifies whose golden record it is and reads what a relay has to know of it. The sketches are carried as they are, so
 * that a relay need not know how they are written: who compares them reads them.
 *
 * @throws InfernetError `wire.bad-signature` or `wire.malformed`
 */
export function openGoldenFacts(golden: Signed, provider: PeerName): Promise<GoldenFacts> {
  return openSigned('golden-sketches', factsSchema, golden, provider)
}
