import * as v from 'valibot'
import { MAX_OUTPUT_TOKENS } from '../prompt/constants.ts'
import { amountField, bytes, bytesUpTo, integer, jobIdField, list, tokenIds } from '../wire/fields.ts'
import { MAX_EMBED_TEXTS, MAX_QUESTION_BYTES, MAX_TEXT_TOKENS } from '../wire/limits.ts'
import { message } from '../wire/message.ts'
import { signedSchema } from '../wire/signed.ts'
import { wireErrorSchema } from '../wire/wire-error.ts'
import { CHUNK_TOKENS, MAX_CREDIT_BYTES, MAX_FRAME_TOKENS, MAX_VECTOR_BYTES } from './constants.ts'

const position = integer(0, MAX_OUTPUT_TOKENS)
/** A nonce of 32 bytes and its name in CBOR. */
const MAX_ACCEPTED_BYTES = 64

/** A sign of life that the other side's application answers with `echo`; gives the round trip as well. */
const beatSchema = message({
  type: v.literal('beat'),
  beat: integer(0, 0xffff_ffff),
  echo: v.boolean(),
})

/** One side's signature on the end of a paid job, opaque here. */
const receiptSchema = message({
  type: v.literal('receipt'),
  receipt: bytesUpTo(MAX_CREDIT_BYTES),
})

/** The first frame of a job: what to write, and under which quote. */
export const openJobSchema = message(
  {
    type: v.literal('open'),
    jobId: jobIdField,
    quoteId: jobIdField,
    /** See `question.ts`: one byte string, because the chain of chunks begins with its hash. */
    question: bytesUpTo(MAX_QUESTION_BYTES),
    /** What shows that the job will be paid, and pays for a long prompt before it is read; opaque here. */
    credit: v.exactOptional(bytesUpTo(MAX_CREDIT_BYTES)),
  },
  {
    /** The consumer reads chunks that commit to sketches (`sketch-tree.ts`); one from before them refuses such a chunk. */
    sketches: v.boolean(),
  },
)
export type OpenFrame = v.InferOutput<typeof openJobSchema>

/** What a consumer sends on a job's stream. */
export const consumerFrameSchema = v.variant('type', [
  openJobSchema,
  /** Everything before `position` has come. `credit` is the payment for it, opaque here. */
  message({ type: v.literal('ack'), position, credit: bytesUpTo(MAX_CREDIT_BYTES) }),
  message({ type: v.literal('cancel') }),
  /** After `done`: the consumer's word on what was served and paid; empty when it gives none. */
  receiptSchema,
  beatSchema,
])
export type ConsumerFrame = v.InferOutput<typeof consumerFrameSchema>

/** What a provider sends on a job's stream. */
export const providerFrameSchema = v.variant('type', [
  /** The job is admitted; `body` is an {@link acceptedSchema}, as bytes that the chain begins with. */
  message({
    type: v.literal('accepted'),
    body: bytesUpTo(MAX_ACCEPTED_BYTES),
    waiting: integer(0, 65_536),
    /** Chunk 0, when the prompt was paid for before it is read: from here on that is spent, on both sides. */
    chunk: v.exactOptional(signedSchema),
  }),
  v.strictObject({
    type: v.literal('tokens'),
    position,
    tokens: v.pipe(tokenIds(MAX_FRAME_TOKENS), v.minLength(1)),
  }),
  /** The vectors of a block of texts, 32-bit numbers, little-endian; its chunk follows. */
  v.strictObject({
    type: v.literal('vectors'),
    /** Place in the question of the first text. */
    position: integer(0, MAX_EMBED_TEXTS),
    vectors: bytesUpTo(MAX_VECTOR_BYTES),
  }),
  message({ type: v.literal('chunk'), chunk: signedSchema }),
  message({
    type: v.literal('done'),
    finish: v.picklist(['stop', 'length']),
    promptTokens: integer(0, MAX_TEXT_TOKENS),
    outputTokens: position,
  }),
  message({
    type: v.literal('failed'),
    error: wireErrorSchema,
    /** The best credit that the provider holds of this consumer, when what came was lower. */
    held: v.exactOptional(bytesUpTo(MAX_CREDIT_BYTES)),
  }),
  receiptSchema,
  beatSchema,
])
export type ProviderFrame = v.InferOutput<typeof providerFrameSchema>

/** What a provider says when it takes a job: what its quote held the hash of. */
export const acceptedSchema = v.strictObject({ nonce: bytes(32) })

/** The signed body of a chunk. Chunk 0 is the prefill and holds no tokens. */
export const chunkSchema = v.strictObject({
  jobId: jobIdField,
  index: integer(0, MAX_OUTPUT_TOKENS),
  /** Position in the answer of the first token. */
  position,
  tokens: list(integer(0, 2 ** 20 - 1), CHUNK_TOKENS),
  /** SHA-256 of the chunk before, or of the job's terms. */
  previous: bytes(32),
  /** Everything owed so far for this job, this chunk included. */
  due: amountField,
  /** Commits to the sketches of the tokens (`sketch-tree.ts`), where the consumer wished for it. Never of chunk 0. */
  root: v.exactOptional(bytes(32)),
})

/** The signed body of a chunk of vectors: of each block of texts one, from 0 on. */
export const vectorChunkSchema = v.strictObject({
  jobId: jobIdField,
  index: integer(0, MAX_EMBED_TEXTS),
  /** Place in the question of the first text. */
  position: integer(0, MAX_EMBED_TEXTS),
  texts: integer(1, MAX_EMBED_TEXTS),
  /** SHA-256 of the vectors as they travelled. */
  vectors: bytes(32),
  /** SHA-256 of the chunk before, or of the job's terms. */
  previous: bytes(32),
  /** Everything owed so far for this job, this chunk included. */
  due: amountField,
})
