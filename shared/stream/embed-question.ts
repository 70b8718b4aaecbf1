import * as v from 'valibot'
import { fromHex } from '../base/bytes.ts'
import type { ModelHash } from '../base/ids.ts'
import { MAX_DIMENSIONS } from '../models/manifest.ts'
import { ENCODING } from '../models/task.ts'
import { encode } from '../wire/codec.ts'
import { bytes, integer, list, modelHashField, tokenIds } from '../wire/fields.ts'
import { MAX_EMBED_TEXTS, MAX_TEXT_TOKENS } from '../wire/limits.ts'
import { SALT_BYTES } from './question.ts'

/** The question of a job that turns texts into vectors. */
export const embedQuestionSchema = v.pipe(
  v.strictObject({
    task: v.literal(ENCODING),
    model: modelHashField,
    texts: v.pipe(list(v.pipe(tokenIds(MAX_TEXT_TOKENS), v.minLength(1)), MAX_EMBED_TEXTS), v.minLength(1)),
    dimensions: integer(1, MAX_DIMENSIONS),
    salt: bytes(SALT_BYTES),
  }),
  v.check(({ texts }) => tokensOf(texts) <= MAX_TEXT_TOKENS, 'too long together'),
)

/** What decides the vectors of a job; like `Question`, it travels as one byte string and its hash begins the chain. */
export interface EmbedQuestion {
  readonly task: typeof ENCODING
  readonly model: ModelHash
  /** Each in token ids. */
  readonly texts: readonly (readonly number[])[]
  /** Numbers of a vector, as the asker's manifest says: with the lengths of the texts it decides the blocks. */
  readonly dimensions: number
  /** {@link SALT_BYTES} random bytes. */
  readonly salt: Uint8Array
}

export function encodeEmbedQuestion({
  task,
  model,
  texts,
  dimensions,
  salt,
}: EmbedQuestion): Uint8Array<ArrayBuffer> {
  return encode({ task, model: fromHex(model), texts, dimensions, salt })
}

/** The tokens of some texts together. */
export function tokensOf(texts: readonly (readonly number[])[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0)
}
