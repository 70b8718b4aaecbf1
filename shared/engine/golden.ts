import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { parseJson } from '../models/model-files.ts'
import { list, tokenIds } from '../wire/fields.ts'
import { tagOf } from '../wire/versions.ts'

const MAX_TOKENS = 4096

/**
 * What a right engine says: prompts and their greedy continuations, computed on wasm, stored with the model and covered
 * by its manifest. `shared/model-kit/make-manifest.ts` writes it and keeps only tokens whose logit leads by a margin
 * far above the noise between devices, so that a right GPU never fails.
 */
const goldenSchema = v.strictObject({
  format: v.literal(tagOf('file', 'golden')),
  cases: list(v.strictObject({ prompt: tokenIds(MAX_TOKENS), tokens: tokenIds(MAX_TOKENS) }), 16),
})
export type Golden = v.InferOutput<typeof goldenSchema>

/** @throws InfernetError `models.corrupt` */
export function parseGolden(bytes: Uint8Array, path: string): Golden {
  const parsed = v.safeParse(goldenSchema, parseJson(bytes, path))
  if (!parsed.success) throw new InfernetError('models.corrupt', { path })
  return parsed.output
}
