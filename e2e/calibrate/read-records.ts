import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import type { StakedGolden } from '#shared/verify/calibration/calibrate.ts'
import { openGolden } from '#shared/verify/golden/golden-sketches.ts'
import { peerNameField } from '#shared/wire/fields.ts'

const recordsSchema = v.array(
  v.strictObject({
    operator: v.string(),
    isStaked: v.boolean(),
    provider: peerNameField,
    /** Base64 of what was signed, and of the signature. */
    body: v.string(),
    signature: v.string(),
  }),
)

/**
 * Golden records that a person collected from relays, with whose stake stands behind each.
 *
 * @throws where one is not signed by its provider, or has another form
 */
export async function readRecords(path: string): Promise<StakedGolden[]> {
  const records = v.parse(recordsSchema, JSON.parse(await readFile(path, 'utf8')))
  return Promise.all(
    records.map(async ({ operator, isStaked, provider, body, signature }) => {
      const signed = { body: bytesOf(body), signature: bytesOf(signature) }
      return { operator, isStaked, golden: await openGolden(signed, provider) }
    }),
  )
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
