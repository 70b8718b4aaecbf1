import { sha256 } from '@noble/hashes/sha2.js'
import type * as v from 'valibot'
import { equalBytes } from '../base/bytes.ts'
import type { JobId, PeerName } from '../base/ids.ts'
import { baseUnits, tokens, type BaseUnits } from '../base/units.ts'
import { ENCODING } from '../models/task.ts'
import { costOf } from '../prompt/cost.ts'
import type { Quote } from '../prompt/prompt.ts'
import { readQuote } from '../prompt/quote.ts'
import { decode } from '../wire/codec.ts'
import { openSigned, type Signed } from '../wire/signed.ts'
import { blocksOf } from './blocks.ts'
import { embedQuestionSchema, tokensOf, type EmbedQuestion } from './embed-question.ts'
import { AGREED_PARTS, firstLink } from './first-link.ts'
import { acceptedSchema, vectorChunkSchema } from './messages.ts'
import type { Transcript } from './transcript.ts'
import { bad, checkShown, readPart, refuseUnless } from './transcript-parts.ts'

/** What a transcript proves of a job that turned texts into vectors. */
export interface ProvenVectors {
  readonly jobId: JobId
  readonly provider: PeerName
  /** Of each signed block: the place of its first text, how many there are, and SHA-256 of their vectors. */
  readonly blocks: readonly {
    readonly position: number
    readonly texts: number
    readonly vectors: Uint8Array
  }[]
  readonly due: BaseUnits
  /** SHA-256 of the last chunk: a receipt names it. */
  readonly head: Uint8Array
  /** What was shown of the agreement; undefined for a part that is kept back. */
  readonly quote: Quote | undefined
  readonly question: EmbedQuestion | undefined
}

/**
 * Verifies a job of vectors from its bytes alone, as `verifyTranscript` does one that wrote: whoever has the vectors can
 * hold them against the hashes, and whoever has the model can compute them again from the question.
 *
 * Where the question is kept back the lengths of its texts are not known, and amounts need only not fall.
 *
 * @throws InfernetError `stream.bad-transcript` with the first reason: `task` for a job that wrote; `quote`, `question`,
 * `credit` or `accepted` for a part that is not what its hash says, or cannot be read; `signature`, `job`, `index`,
 * `chain`, `position`, `length` or `amount` for a chunk; `model` or `nonce` for parts that contradict one another
 *
 * @internal Commands and audits call it; no tab does yet.
 */
export async function verifyVectors(transcript: Transcript): Promise<ProvenVectors> {
  const { jobId, provider, hashes, shown, chunks } = transcript
  refuseUnless(transcript.task === ENCODING, 'task')
  for (const part of AGREED_PARTS) checkShown(part, shown[part], hashes[part])
  const quote = readPart('quote', shown.quote, readQuote)
  const question = readPart('question', shown.question, (body) => decode(embedQuestionSchema, body))
  const nonce = readPart('accepted', shown.accepted, (body) => decode(acceptedSchema, body).nonce)
  const wanted = question && blocksOf(question.texts, question.dimensions)
  const blocks: { position: number; texts: number; vectors: Uint8Array }[] = []
  let due = baseUnits(0n)
  let read = 0
  let previous = firstLink(jobId, hashes)
  for (const [index, signed] of chunks.entries()) {
    const body = await openChunk(signed, provider)
    const before = blocks.at(-1)
    refuseUnless(body.jobId === jobId, 'job')
    refuseUnless(body.index === index, 'index')
    refuseUnless(equalBytes(body.previous, previous), 'chain')
    refuseUnless(body.position === (before ? before.position + before.texts : 0), 'position')
    refuseUnless(!wanted || wanted[index]?.texts.length === body.texts, 'length')
    read += tokensOf(wanted?.[index]?.texts ?? [])
    const isRight =
      quote && question ? body.due === costOf(quote.price, tokens(read), tokens(0)) : body.due >= due
    refuseUnless(isRight, 'amount')
    due = body.due
    previous = sha256(signed.body)
    blocks.push({ position: body.position, texts: body.texts, vectors: body.vectors })
  }
  if (question) refuseUnless(!quote || question.model === quote.model, 'model')
  if (quote && nonce) refuseUnless(equalBytes(sha256(nonce), quote.nonceHash), 'nonce')
  return { jobId, provider, blocks, due, head: previous, quote, question }
}

async function openChunk(
  signed: Signed,
  provider: PeerName,
): Promise<v.InferOutput<typeof vectorChunkSchema>> {
  try {
    return await openSigned('vectors', vectorChunkSchema, signed, provider)
  } catch (thrown) {
    throw bad('signature', thrown)
  }
}
