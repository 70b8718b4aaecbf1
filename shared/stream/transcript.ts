import * as v from 'valibot'
import { baseUnits, tokens, type BaseUnits, type Tokens } from '../base/units.ts'
import { equalBytes, fromHex } from '../base/bytes.ts'
import type { JobId, PeerName } from '../base/ids.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import { ENCODING } from '../models/task.ts'
import { MAX_OUTPUT_TOKENS } from '../prompt/constants.ts'
import type { Quote } from '../prompt/prompt.ts'
import { readQuote } from '../prompt/quote.ts'
import { decode, encode } from '../wire/codec.ts'
import { bytes, bytesUpTo, jobIdField, list, peerNameField } from '../wire/fields.ts'
import { MAX_FRAME_BYTES, MAX_QUESTION_BYTES } from '../wire/limits.ts'
import { openSigned, signedSchema, type Signed } from '../wire/signed.ts'
import { tagOf } from '../wire/versions.ts'
import { costOf } from '../prompt/cost.ts'
import { CHUNK_TOKENS, MAX_CREDIT_BYTES } from './constants.ts'
import { AGREED_PARTS, firstLink, hashAgreed, type Agreed, type AgreedHashes } from './first-link.ts'
import { acceptedSchema, chunkSchema } from './messages.ts'
import { decodeQuestion, type Question } from './question.ts'
import { deriveSeed } from './seed.ts'
import { bad, checkShown, readPart, refuseUnless } from './transcript-parts.ts'

/** An answer changes its provider a few times at most (`peer/ask.ts`); each part is a job with a transcript of its own. */
const MAX_JOBS = 16
/** Chunk 0 and those of the longest answer. */
const MAX_CHUNKS = 1 + Math.ceil(MAX_OUTPUT_TOKENS / CHUNK_TOKENS)
/** Of a whole file: more is no transcript of this version. */
const MAX_TRANSCRIPT_BYTES = MAX_JOBS * (MAX_QUESTION_BYTES + MAX_FRAME_BYTES)

const shownSchema = v.strictObject({
  quote: v.exactOptional(bytesUpTo(MAX_FRAME_BYTES)),
  question: v.exactOptional(bytesUpTo(MAX_QUESTION_BYTES)),
  credit: v.exactOptional(bytesUpTo(MAX_CREDIT_BYTES)),
  accepted: v.exactOptional(bytesUpTo(MAX_FRAME_BYTES)),
})

const jobSchema = v.strictObject({
  jobId: jobIdField,
  task: v.exactOptional(v.literal(ENCODING)),
  provider: peerNameField,
  hashes: v.strictObject({ quote: bytes(32), question: bytes(32), credit: bytes(32), accepted: bytes(32) }),
  shown: shownSchema,
  chunks: v.pipe(list(signedSchema, MAX_CHUNKS), v.minLength(1)),
  /** Each side's word on the end of a paid job, as it travelled; empty where none was given. */
  receipt: v.strictObject({ consumer: bytesUpTo(MAX_CREDIT_BYTES), provider: bytesUpTo(MAX_CREDIT_BYTES) }),
})

const fileSchema = v.strictObject({
  format: v.literal(tagOf('file', 'transcript')),
  jobs: v.pipe(list(jobSchema, MAX_JOBS), v.minLength(1)),
})

/**
 * What proves one job at one provider: the parts that were agreed on, as the bytes that travelled or as their hashes
 * alone, and the signed chunks. It is verified from its bytes, by anybody, without the two who made it.
 */
export interface Transcript {
  readonly jobId: JobId
  /** What the chunks hold: hashes of vectors, see `verifyVectors`. @default tokens */
  readonly task?: typeof ENCODING
  readonly provider: PeerName
  readonly hashes: AgreedHashes
  /** The parts that are not kept back. */
  readonly shown: Partial<Agreed>
  readonly chunks: readonly Signed[]
  readonly receipt: { readonly consumer: Uint8Array; readonly provider: Uint8Array }
}

/** What a transcript proves. */
export interface Proven {
  readonly jobId: JobId
  readonly provider: PeerName
  /** Position in the answer of the first token. */
  readonly from: number
  readonly tokens: readonly number[]
  readonly due: BaseUnits
  /** SHA-256 of the last chunk: a receipt names it. */
  readonly head: Uint8Array
  /** What was shown of the agreement; undefined for a part that is kept back. */
  readonly quote: Quote | undefined
  readonly question: Question | undefined
  /** 32 bytes of the provider's half of the seed. */
  readonly nonce: Uint8Array | undefined
  /** The chunks of tokens: which positions each has, and what it commits to of their sketches, if anything. */
  readonly roots: readonly SignedRoot[]
}

/** What the signature on a chunk commits to besides its tokens. */
export interface SignedRoot {
  /** Position in the answer of the first token. */
  readonly from: number
  readonly count: number
  /** As `sketchRoot`; undefined where the provider committed to nothing. */
  readonly root: Uint8Array | undefined
}

/**
 * The 32 bytes that the draws of a job depend on; undefined where the question, or the provider's half, is kept back.
 */
export function seedOf({ jobId, question, nonce }: Proven): Uint8Array | undefined {
  if (question?.seed) return question.seed
  return question && nonce && deriveSeed(jobId, question.consumerNonce, nonce)
}

/** A transcript of everything, from what a job was agreed on and what was signed in it. */
export function transcriptOf(
  { jobId, provider }: { jobId: JobId; provider: PeerName },
  agreed: Agreed,
  chunks: readonly Signed[],
  receipt: Transcript['receipt'],
): Transcript {
  return { jobId, provider, hashes: hashAgreed(agreed), shown: agreed, chunks, receipt }
}

/**
 * The same without the prompt, its sampler and seeds, and without what was paid: what may be shown to anybody.
 */
export function withoutPromptAndPayment(transcript: Transcript): Transcript {
  const { quote, accepted } = transcript.shown
  const none = new Uint8Array()
  return {
    ...transcript,
    shown: { ...(quote && { quote }), ...(accepted && { accepted }) },
    receipt: { consumer: none, provider: none },
  }
}

/**
 * All jobs of an answer as one file.
 */
export function encodeTranscripts(jobs: readonly Transcript[]): Uint8Array<ArrayBuffer> {
  return encode({
    format: tagOf('file', 'transcript'),
    jobs: jobs.map(({ jobId, ...rest }) => ({ ...rest, jobId: fromHex(jobId) })),
  })
}

/**
 * @throws InfernetError `stream.bad-transcript` with the reason `form`
 */
export function decodeTranscripts(file: Uint8Array): readonly Transcript[] {
  if (file.length > MAX_TRANSCRIPT_BYTES) throw bad('form')
  try {
    return decode(fileSchema, file).jobs
  } catch (thrown) {
    throw bad('form', thrown)
  }
}

/**
 * Verifies a job from its bytes alone: the parts that are shown against their hashes, the first link, each chunk's
 * signature, place, tokens and amount, and the provider's nonce against its quote.
 *
 * Where the question is kept back its length is not known, so that of amounts only their rise by the quoted price is
 * checked; where the quote is, amounts need only not fall.
 *
 * @throws InfernetError `stream.bad-transcript` with the first reason: `quote`, `question`, `credit` or `accepted` for a
 * part that is not what its hash says, or cannot be read; `signature`, `job`, `index`, `chain`, `position`, `length`, `root`
 * or `amount` for a chunk; `model`, `from`, `nonce` or `too many` for parts that contradict one another; `task` for a job
 * that did not write
 */
export async function verifyTranscript(transcript: Transcript): Promise<Proven> {
  const { jobId, provider, hashes, shown, chunks } = transcript
  refuseUnless(transcript.task === undefined, 'task')
  for (const part of AGREED_PARTS) checkShown(part, shown[part], hashes[part])
  const quote = readPart('quote', shown.quote, readQuote)
  const question = readPart('question', shown.question, decodeQuestion)
  const nonce = readPart('accepted', shown.accepted, (body) => decode(acceptedSchema, body).nonce)
  const written: number[] = []
  const roots: SignedRoot[] = []
  let from = 0
  let due = baseUnits(0n)
  let previous = firstLink(jobId, hashes)
  for (const [index, signed] of chunks.entries()) {
    const body = await openChunk(signed, provider)
    if (index === 0) from = body.position
    refuseUnless(body.jobId === jobId, 'job')
    refuseUnless(body.index === index, 'index')
    refuseUnless(equalBytes(body.previous, previous), 'chain')
    refuseUnless(body.position === from + written.length, 'position')
    refuseUnless((index === 0) === (body.tokens.length === 0), 'length')
    refuseUnless(index > 0 || body.root === undefined, 'root')
    written.push(...body.tokens)
    if (index > 0) roots.push({ from: body.position, count: body.tokens.length, root: body.root })
    refuseUnless(isRight(body.due, due, { quote, question, from, written, index }), 'amount')
    due = body.due
    previous = sha256(signed.body)
  }
  if (question) {
    refuseUnless(!quote || question.model === quote.model, 'model')
    refuseUnless(question.priorTokens.length === from, 'from')
    refuseUnless(written.length <= question.maxTokens, 'too many')
  }
  if (quote && nonce) refuseUnless(equalBytes(sha256(nonce), quote.nonceHash), 'nonce')
  return { jobId, provider, from, tokens: written, due, head: previous, quote, question, nonce, roots }
}

function isRight(
  due: BaseUnits,
  before: BaseUnits,
  {
    quote,
    question,
    from,
    written,
    index,
  }: {
    quote: Quote | undefined
    question: Question | undefined
    from: number
    written: readonly number[]
    index: number
  },
): boolean {
  if (due < before) return false
  if (!quote) return true
  const count = tokens(written.length)
  if (question) return due === costOf(quote.price, prefillOf(question), count)
  if (index === 0) return due >= costOf(quote.price, tokens(from), tokens(0))
  // Prompt and output are rounded together, so without the prompt's length a chunk is known to one unit.
  const rise = due - before
  const chunk = costOf(quote.price, tokens(0), tokens(CHUNK_TOKENS))
  return rise <= chunk + 1n
}

function prefillOf({ promptTokens, priorTokens }: Question): Tokens {
  return tokens(promptTokens.length + priorTokens.length)
}

async function openChunk(signed: Signed, provider: PeerName): Promise<v.InferOutput<typeof chunkSchema>> {
  try {
    return await openSigned('chunk', chunkSchema, signed, provider)
  } catch (thrown) {
    throw bad('signature', thrown)
  }
}
