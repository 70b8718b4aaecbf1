import { sha256 } from '@noble/hashes/sha2.js'
import { jobId, type PeerName } from '../base/ids.ts'
import { epochMillis, millis, tokens } from '../base/units.ts'
import type { Engine, SamplerParams } from '../engine/engine.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import type { Price, QuotePayment } from '../prompt/prompt.ts'
import { quoteBody } from '../prompt/quote.ts'
import { ChunkSigner } from '../stream/chunk.ts'
import { CHUNK_TOKENS } from '../stream/constants.ts'
import { hashAgreed } from '../stream/first-link.ts'
import { encodeQuestion, type Question } from '../stream/question.ts'
import { deriveSeed } from '../stream/seed.ts'
import { openSketches, type SketchOpening } from '../stream/sketch-tree.ts'
import { transcriptOf, type Transcript } from '../stream/transcript.ts'
import { encode } from '../wire/codec.ts'
import type { TestPeer } from './peers.ts'
import { pricePerToken } from './prices.ts'

export interface MadeAnswer {
  readonly transcript: Transcript
  /** What its provider opens. */
  readonly open: (positions: readonly number[]) => SketchOpening[]
  /** All of it. */
  readonly openings: readonly SketchOpening[]
}

export interface AnswerInit {
  readonly engine: Engine
  readonly consumer: PeerName
  readonly promptTokens?: readonly number[]
  readonly priorTokens?: readonly number[]
  readonly maxTokens?: number
  readonly sampler?: SamplerParams
  readonly price?: Price
  readonly payment?: QuotePayment
  /** Names the job. @default 1 */
  readonly name?: number
  /** What the engine draws with, in place of what was agreed on: a cheat. @default the seed of the job */
  readonly drawnWith?: Uint8Array
  /** @default true */
  readonly isCommitted?: boolean
}

const SECRET = new Uint8Array(32).fill(0x5e)
const NONCE = new Uint8Array(32).fill(0x41)
const CONSUMER_NONCE = new Uint8Array(32).fill(0x42)

/** An answer as a provider signs it, written by a real run of the engine, without a stream between the two. */
export async function makeAnswer(provider: TestPeer, init: AnswerInit): Promise<MadeAnswer> {
  const { engine, consumer, promptTokens = [5, 6, 7], priorTokens = [], maxTokens = 100 } = init
  const { sampler = { temperature: 1, topP: 1 }, price = pricePerToken(1n, 10n), payment, name = 1 } = init
  const { drawnWith, isCommitted = true } = init
  const id = jobId(name.toString(16).padStart(32, '0'))
  const { model } = engine.info
  const quote = encode(
    quoteBody({
      ...{ quoteId: id, model, consumer, price, payment, nonceHash: sha256(NONCE) },
      ...{ queueMs: millis(0), prefillTokensPerSecond: 100, decodeTokensPerSecond: 10 },
      ...{ issuedAt: epochMillis(1), expiresAt: epochMillis(2) },
    }),
  )
  const asked: Question = {
    ...{ task: 'text-generation', model, promptTokens, priorTokens, sampler, maxTokens },
    ...{ consumerNonce: CONSUMER_NONCE, seed: null, salt: new Uint8Array(16) },
  }
  const agreed = {
    ...{ quote, question: encodeQuestion(asked), accepted: encode({ nonce: NONCE }) },
    credit: new Uint8Array(),
  }
  const from = priorTokens.length
  const terms = { jobId: id, price, prefillTokens: tokens(promptTokens.length + from), from }
  const signer = new ChunkSigner(terms, hashAgreed(agreed), provider.key, isCommitted ? SECRET : undefined)
  const seed = drawnWith ?? deriveSeed(id, CONSUMER_NONCE, NONCE)
  const chunks = []
  const sketches: number[] = []
  for await (const batch of engine.generate({ ...asked, seed, sketches: true })) {
    sketches.push(...(batch.sketches ?? []))
    chunks.push(...(await signer.add(batch.tokens, batch.sketches)))
  }
  chunks.push(...(await signer.finish()))
  const written = sketches.length / SKETCH_SIZE
  const open = (positions: readonly number[]): SketchOpening[] =>
    chunksOf(from, written).flatMap(({ start, end }) => {
      const own = positions.filter((position) => position >= start && position < end)
      const part = Uint16Array.from(sketches.slice((start - from) * SKETCH_SIZE, (end - from) * SKETCH_SIZE))
      return own.length > 0 ? [openSketches(SECRET, part, start, own)] : []
    })
  const receipt = { consumer: new Uint8Array(), provider: new Uint8Array() }
  return {
    transcript: transcriptOf({ jobId: id, provider: provider.name }, agreed, chunks, receipt),
    open,
    openings: open(Array.from({ length: written }, (_, i) => from + i)),
  }
}

function chunksOf(from: number, count: number): { start: number; end: number }[] {
  return Array.from({ length: Math.ceil(count / CHUNK_TOKENS) }, (_, i) => ({
    start: from + i * CHUNK_TOKENS,
    end: from + Math.min(count, (i + 1) * CHUNK_TOKENS),
  }))
}
