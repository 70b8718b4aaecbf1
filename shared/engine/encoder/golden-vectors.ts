import * as v from 'valibot'
import { fromHex } from '../../base/bytes.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { parseJson } from '../../models/model-files.ts'
import { list, tokenIds } from '../../wire/fields.ts'
import { tagOf } from '../../wire/versions.ts'

/** Texts of an encoder are sentences or pages. */
const MAX_TOKENS = 4096
const MAX_VECTOR_HEX = 8 * 8192

/**
 * What a right encoder says: texts in tokens, and the vector of each as the original model computes it. Stored with the
 * model, covered by its manifest.
 */
const goldenSchema = v.strictObject({
  format: v.literal(tagOf('file', 'golden-vectors')),
  cases: v.pipe(
    list(
      v.strictObject({
        tokens: v.pipe(tokenIds(MAX_TOKENS), v.minLength(1)),
        /** fp32, little-endian, in hex. */
        vector: v.pipe(v.string(), v.maxLength(MAX_VECTOR_HEX), v.regex(/^(?:[0-9a-f]{8})+$/)),
      }),
      16,
    ),
    v.minLength(1),
  ),
})
export type GoldenVectors = v.InferOutput<typeof goldenSchema>

/** @throws InfernetError `models.corrupt` */
export function parseGoldenVectors(bytes: Uint8Array, path: string): GoldenVectors {
  const parsed = v.safeParse(goldenSchema, parseJson(bytes, path))
  if (!parsed.success) throw new InfernetError('models.corrupt', { path })
  return parsed.output
}

/** The numbers of a golden vector. */
export function vectorFromHex(hex: string): Float32Array<ArrayBuffer> {
  const { buffer } = fromHex(hex)
  const view = new DataView(buffer)
  return Float32Array.from({ length: buffer.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true))
}
