import * as v from 'valibot'
import { fromHex } from '../base/bytes.ts'
import type { ModelHash } from '../base/ids.ts'
import type { SamplerParams } from '../engine/engine.ts'
import { WRITING } from '../models/task.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_OUTPUT_TOKENS, MAX_PROMPT_TOKENS } from '../prompt/constants.ts'
import { samplerSchema } from '../prompt/messages.ts'
import { plainSampler } from '../prompt/plain-sampler.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { decode, encode } from '../wire/codec.ts'
import { bytes, integer, modelHashField, tokenIds } from '../wire/fields.ts'
import { MAX_TEXT_TOKENS } from '../wire/limits.ts'

/** Makes the hash of a question that is short or known in part as hard to guess as a key. */
export const SALT_BYTES = 16

const questionFields = v.strictObject({
  task: v.literal(WRITING),
  model: modelHashField,
  promptTokens: v.pipe(tokenIds(MAX_PROMPT_TOKENS), v.minLength(1)),
  priorTokens: tokenIds(MAX_OUTPUT_TOKENS),
  sampler: samplerSchema,
  maxTokens: integer(1, MAX_OUTPUT_TOKENS),
  consumerNonce: bytes(32),
  seed: v.nullable(bytes(32)),
  salt: bytes(SALT_BYTES),
})

/** The question of a job that writes. */
export const questionSchema = v.pipe(
  questionFields,
  v.check(
    ({ promptTokens, priorTokens }) => promptTokens.length + priorTokens.length <= MAX_TEXT_TOKENS,
    'too long together',
  ),
)

/**
 * Everything that decides what an honest provider writes, and travels as one byte string: the first link of the chain of
 * chunks holds its hash, so that whoever has those bytes can prove which question was answered.
 */
export interface Question {
  readonly task: typeof WRITING
  readonly model: ModelHash
  readonly promptTokens: readonly number[]
  /** Tokens of this answer that another provider wrote; the job goes on after them. */
  readonly priorTokens: readonly number[]
  readonly sampler: SamplerParams
  /** New tokens wanted. */
  readonly maxTokens: number
  /** 32 bytes: half of the seed. The provider's half was fixed in its quote. */
  readonly consumerNonce: Uint8Array
  /** After a failover: the 32 bytes of the seed that the answer began with. */
  readonly seed: Uint8Array | null
  /** {@link SALT_BYTES} random bytes. */
  readonly salt: Uint8Array
}

/** What a consumer knows when it opens a job. */
export interface Asked {
  readonly prompt: Prompt
  readonly priorTokens: readonly number[]
  readonly consumerNonce: Uint8Array
  readonly salt: Uint8Array
  /** The seed the answer began with, when this job continues one. */
  readonly seed: Uint8Array | undefined
}

/** The question of a job: of the prompt, what a provider is told. */
/** @throws InfernetError `engine.other-task` for a prompt of a model that does not write */
export function questionOf({ prompt, priorTokens, consumerNonce, salt, seed }: Asked): Question {
  const { task, model, promptTokens, sampler } = prompt
  if (task !== WRITING) throw new InfernetError('engine.other-task', { task })
  const maxTokens = prompt.maxTokens - priorTokens.length
  return {
    task,
    model,
    promptTokens,
    priorTokens,
    sampler: plainSampler(sampler),
    maxTokens,
    consumerNonce,
    seed: seed ?? null,
    salt,
  }
}

export function encodeQuestion({ model, ...rest }: Question): Uint8Array<ArrayBuffer> {
  return encode({ ...rest, model: fromHex(model) })
}

/** @throws InfernetError `wire.malformed` */
export function decodeQuestion(body: Uint8Array): Question {
  return decode(questionSchema, body)
}
