import { jobId, type ModelHash } from '../base/ids.ts'
import { millis, tokens } from '../base/units.ts'
import type { Engine, SamplerParams } from '../engine/engine.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { ChunkSigner } from '../stream/chunk.ts'
import { hashAgreed } from '../stream/first-link.ts'
import { encodeQuestion, type Question } from '../stream/question.ts'
import { deriveSeed } from '../stream/seed.ts'
import { openSketches, type SketchOpening } from '../stream/sketch-tree.ts'
import { transcriptOf, verifyTranscript, type Proven, type Transcript } from '../stream/transcript.ts'
import { encode } from '../wire/codec.ts'
import { makePeer, type TestPeer } from './peers.ts'
import { pricePerToken } from './prices.ts'
import { realClock, realRandom } from './real-clock.ts'

/** What is asked of a provider whose every step is played here, but for the engine, which is the one given. */
export interface PlayedJob {
  /** What writes: the model that was asked for, or a cheat. */
  readonly engine: Pick<Engine, 'generate'>
  readonly model: ModelHash
  readonly promptTokens: readonly number[]
  readonly priorTokens?: readonly number[]
  readonly sampler: SamplerParams
  /** Of an answer that somebody else began. */
  readonly seed?: Uint8Array
  readonly maxTokens: number
  readonly provider?: TestPeer
}

/** An answer as its consumer holds it, and what its provider keeps to open it. */
export interface SignedAnswer {
  readonly provider: TestPeer
  readonly transcript: Transcript
  readonly proven: Proven
  readonly seed: Uint8Array
  /** Of every chunk, all of its tokens. */
  readonly openings: readonly SketchOpening[]
}

/** Quotes, accepts, writes and signs an answer with its sketches, as a provider of today does. */
export async function signedAnswer(job: PlayedJob): Promise<SignedAnswer> {
  const { engine, model, promptTokens, priorTokens = [], sampler, maxTokens } = job
  const provider = job.provider ?? (await makePeer())
  const consumer = await makePeer()
  const price = pricePerToken(3n, 20n)
  const terms = {
    ...{ price, queueMs: millis(0), contextLength: 1024, isDraining: false },
    ...{ prefillTokensPerSecond: 1000, decodeTokensPerSecond: 50 },
  }
  const desk = new QuoteDesk({
    key: provider.key,
    clock: realClock,
    random: realRandom,
    termsOf: () => terms,
  })
  const asked = { type: 'quote', model, promptTokens: promptTokens.length, maxTokens } as const
  const quote = await desk.quote(consumer.name, asked)
  const { quoteId } = await openQuote(quote, { provider: provider.name, consumer: consumer.name })
  const { nonce } = desk.redeem(consumer.name, quoteId)
  const id = jobId('ab'.repeat(16))
  const question: Question = {
    ...{ task: 'text-generation', model, promptTokens, priorTokens, sampler, maxTokens },
    ...{ seed: job.seed ?? null, consumerNonce: realRandom.bytes(32), salt: realRandom.bytes(16) },
  }
  const agreed = {
    ...{ quote: quote.body, question: encodeQuestion(question) },
    ...{ credit: new Uint8Array(), accepted: encode({ nonce }) },
  }
  const seed = job.seed ?? deriveSeed(id, question.consumerNonce, nonce)
  const secret = realRandom.bytes(32)
  const from = priorTokens.length
  const prefillTokens = tokens(promptTokens.length + from)
  const signer = new ChunkSigner(
    { jobId: id, price, prefillTokens, from },
    hashAgreed(agreed),
    provider.key,
    secret,
  )
  const chunks = []
  const request = { promptTokens, priorTokens, sampler, seed, maxTokens, sketches: true }
  for await (const batch of engine.generate(request))
    chunks.push(...(await signer.add(batch.tokens, batch.sketches)))
  chunks.push(...(await signer.finish()))
  const none = { consumer: new Uint8Array(), provider: new Uint8Array() }
  const transcript = transcriptOf({ jobId: id, provider: provider.name }, agreed, chunks, none)
  const proven = await verifyTranscript(transcript)
  const { sketches } = signer.committed
  const openings = proven.roots.map(({ from: first, count }) => {
    const own = sketches.subarray((first - from) * 16, (first - from + count) * 16)
    return openSketches(
      secret,
      own,
      first,
      Array.from({ length: count }, (_, i) => first + i),
    )
  })
  return { provider, transcript, proven, seed, openings }
}
