import { sha256 } from '@noble/hashes/sha2.js'
import { beforeEach, describe, expect, it } from 'vitest'
import { amountFromBytes, amountToBytes, fromHex, utf8 } from '../base/bytes.ts'
import { jobId } from '../base/ids.ts'
import { baseUnits, millis, tokens, type BaseUnits } from '../base/units.ts'
import { PAYMENT } from '../testing/payments.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import type { Clock } from '../base/clock.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine, fakeVector, type FakeEngine } from '../testing/fake-engine.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { decode, encode } from '../wire/codec.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { sign } from '../wire/signed.ts'
import { blocksOf, encodeVectors } from './blocks.ts'
import { READ_CHUNK_TOKENS } from './constants.ts'
import type { CreditVerifier, IncomingCredit, OutgoingCredit } from './credit.ts'
import { encodeEmbedQuestion } from './embed-question.ts'
import { hashAgreed } from './first-link.ts'
import { JobService } from './job-service.ts'
import { embedQuestionOf, type EmbedJob } from './job.ts'
import { creditTermsOf } from './job-terms.ts'
import { consumerFrameSchema, vectorChunkSchema } from './messages.ts'
import { RunningJob, type JobEvent } from './run-job.ts'
import type { JobOutcome } from './serve-job.ts'
import { decodeTranscripts, encodeTranscripts, verifyTranscript } from './transcript.ts'
import { VectorSigner } from './vector-chunk.ts'
import { verifyVectors } from './verify-vectors.ts'

const DIMENSIONS = 8
/** Twenty texts of a hundred tokens: two to a block. */
const texts = Array.from({ length: 20 }, (_, i) => Array.from({ length: 100 }, (_, k) => 3 + i + k))
const READ = 2000

/** Credit that is nothing but an amount. */
class Purse implements OutgoingCredit {
  readonly opening = new Uint8Array()
  readonly handedOut: bigint[] = []
  readonly hasLearned = false
  stopsAfter = Infinity
  paid: BaseUnits = baseUnits(0n)

  async pay(due: BaseUnits): Promise<Uint8Array> {
    if (this.handedOut.length >= this.stopsAfter) return new Uint8Array()
    this.handedOut.push(due)
    this.paid = due
    return amountToBytes(due)
  }
  catchUp = async (): Promise<void> => undefined
  receipt = async (): Promise<Uint8Array> => utf8('received')
  takeReceipt = async (): Promise<void> => undefined
  notAccepted = (): void => undefined
}

class Till implements CreditVerifier {
  readonly closed: bigint[] = []
  /** The most that was owed and not paid, in tokens that were read. */
  mostUnpaid = 0n

  async open(): Promise<IncomingCredit> {
    const noteUnpaid = (unpaid: bigint): void => {
      if (unpaid > this.mostUnpaid) this.mostUnpaid = unpaid
    }
    const self: IncomingCredit & { paid: BaseUnits } = {
      paid: baseUnits(0n),
      async take(credit) {
        self.paid = baseUnits(amountFromBytes(credit))
      },
      covers(due, window) {
        const isCovered = due - self.paid <= BigInt(window)
        if (isCovered) noteUnpaid(due - self.paid)
        return isCovered
      },
      countersign: async () => utf8('and agreed'),
      close: (due) => void this.closed.push(due),
    }
    return self
  }
  heldBeside = (): undefined => undefined
}

describe('a job of vectors', () => {
  let provider: TestPeer
  let consumer: TestPeer
  let engine: FakeEngine
  let desk: QuoteDesk
  let till: Till
  let service: JobService
  let outcomes: JobOutcome[]

  beforeEach(async () => {
    provider = await makePeer()
    consumer = await makePeer()
    till = new Till()
    outcomes = []
    start({ task: 'feature-extraction', dimensions: DIMENSIONS, contextLength: 128 })
  })

  const start = (
    info: Parameters<typeof createFakeEngine>[0]['info'],
    { isPaid = true, clock = realClock }: { isPaid?: boolean; clock?: Clock } = {},
  ): void => {
    engine = createFakeEngine({ clock, info })
    const terms = {
      ...{ price: pricePerToken(1n, 10n), queueMs: millis(0), contextLength: 32_769, isDraining: false },
      ...{ prefillTokensPerSecond: 1000, decodeTokensPerSecond: 1000 },
      payment: isPaid ? PAYMENT : undefined,
    }
    const components = { key: provider.key, clock, random: realRandom }
    desk = new QuoteDesk({ ...components, termsOf: () => terms })
    service = new JobService({
      ...{ ...components, desk },
      servedOf: () => ({ engine, slots: 4, queue: 8, isDraining: false, credit: till }),
      onEnd: (_, outcome) => outcomes.push(outcome),
    })
  }
  const makeJob = async (changes: Partial<EmbedJob> = {}): Promise<EmbedJob> => {
    const { model } = engine.info
    const quoteSigned = await desk.quote(consumer.name, {
      ...{ type: 'quote', model, promptTokens: READ, maxTokens: 1 },
    })
    return {
      ...{ jobId: jobId('0c'.repeat(16)), provider: provider.name, quoteSigned, model, texts },
      ...{ dimensions: DIMENSIONS, salt: new Uint8Array(16).fill(7) },
      quote: await openQuote(quoteSigned, { provider: provider.name, consumer: consumer.name }),
      ...changes,
    }
  }
  const run = async (job: EmbedJob, credit?: OutgoingCredit) => {
    const { ours, theirs, connection } = await connectedStreams(consumer)
    const serving = service.handle(theirs, connection)
    return { running: new RunningJob(ours, job, { clock: realClock, credit }), serving, theirs }
  }
  const collect = async (running: RunningJob): Promise<JobEvent[]> => Array.fromAsync(running.events())
  const vectorsIn = (events: readonly JobEvent[]): readonly Float32Array[] =>
    events.flatMap((event) => (event.type === 'vectors' ? event.chunk.vectors : []))
  const wanted = texts.map((text) => Float32Array.from(fakeVector(text, DIMENSIONS)))

  it('gives a vector for each text, block by block, and pays each for the tokens it read', async () => {
    const purse = new Purse()
    const { running, serving } = await run(await makeJob(), purse)
    const events = await collect(running)
    await serving
    expect(vectorsIn(events)).toEqual(wanted)
    expect(events.at(-1)).toMatchObject({ type: 'done', finish: 'stop', isUsageDisputed: false })
    expect(purse.handedOut).toEqual(Array.from({ length: 10 }, (_, i) => BigInt((i + 1) * 200)))
    expect(running).toMatchObject({ due: 2000n, paid: 2000n, received: READ, signedTokens: READ, chunks: 10 })
    expect(till.closed).toEqual([2000n])
    expect(outcomes).toEqual(['done'])
    expect(till.mostUnpaid).toBeLessThanOrEqual(2n * BigInt(READ_CHUNK_TOKENS))
  })

  it('costs nothing where nobody asks for payment', async () => {
    start({ task: 'feature-extraction', dimensions: DIMENSIONS, contextLength: 128 }, { isPaid: false })
    const { running, serving } = await run(await makeJob())
    expect(vectorsIn(await collect(running))).toEqual(wanted)
    await serving
    expect(running.paid).toBe(0n)
  })

  it('leaves a transcript that proves question and hashes from its bytes alone', async () => {
    const { running, serving } = await run(await makeJob(), new Purse())
    const events = await collect(running)
    await serving
    const [read] = decodeTranscripts(encodeTranscripts([running.transcript!]))
    const proven = await verifyVectors(read!)
    expect(proven.question).toMatchObject({ texts, dimensions: DIMENSIONS })
    expect(proven.due).toBe(2000n)
    const hashes = events.flatMap((event) =>
      event.type === 'vectors'
        ? [sha256(encodeVectors(Float32Array.from(event.chunk.vectors.flatMap((vector) => [...vector]))))]
        : [],
    )
    expect(proven.blocks.map(({ vectors }) => vectors)).toEqual(hashes)
    await expect(verifyTranscript(read!)).rejects.toMatchObject({ facts: { reason: 'task' } })
    const cut = { ...read!, chunks: read!.chunks.slice(1) }
    await expect(verifyVectors(cut)).rejects.toMatchObject({ facts: { reason: 'index' } })
    const other = { ...read!, shown: { ...read!.shown, question: utf8('another') } }
    await expect(verifyVectors(other)).rejects.toMatchObject({ facts: { reason: 'question' } })
    const { task: _, ...written } = read!
    await expect(verifyVectors(written)).rejects.toMatchObject({ facts: { reason: 'task' } })
  })

  it('ends at a consumer that does not pay, after one block', async () => {
    const clock = new FakeClock()
    start({ task: 'feature-extraction', dimensions: DIMENSIONS, contextLength: 128 }, { clock })
    const purse = new Purse()
    purse.stopsAfter = 0
    const { running, serving } = await run(await makeJob(), purse)
    const ended = expect(collect(running)).rejects.toMatchObject({ code: 'payment.unpaid' })
    let isOver = false
    void serving.then(() => (isOver = true))
    while (!isOver) await clock.advance(100)
    await ended
    expect(till.closed).toEqual([200n])
  })

  it('is stopped between two blocks, and what was signed is paid', async () => {
    start({ task: 'feature-extraction', dimensions: DIMENSIONS, contextLength: 128 })
    const purse = new Purse()
    const { running, serving } = await run(await makeJob(), purse)
    for await (const event of running.events()) if (event.type === 'vectors') break
    await serving
    expect(outcomes).toEqual(['cancelled'])
    expect(running.paid).toBe(running.due)
    expect(running.due).toBeLessThan(2000n)
    expect(till.closed).toEqual([running.due])
    expect(engine.active).toBe(0)
  })

  it.each([
    ['a model that writes', { task: 'text-generation' as const }, {}, 'engine.other-task'],
    ['vectors of another size', {}, { dimensions: 16 }, 'wire.malformed'],
    ['a text that is too long', {}, { texts: [texts[0]!.concat(texts[1]!)] }, 'engine.context-full'],
    ['a token outside the vocabulary', {}, { texts: [[5000]] }, 'engine.bad-token'],
  ])('is refused by name for %s, before anything is paid', async (_, info, changes, code) => {
    start({ ...{ task: 'feature-extraction', dimensions: DIMENSIONS, contextLength: 128 }, ...info })
    const purse = new Purse()
    const { running, serving } = await run(await makeJob(changes), purse)
    await expect(collect(running)).rejects.toMatchObject({ code })
    await serving
    expect(running.wasRefused).toBe(true)
    expect(purse.handedOut).toEqual([])
  })

  /** A provider that says what it likes. */
  const forge = async (
    say: (part: {
      frames: FramedStream<typeof consumerFrameSchema>
      signer: VectorSigner
      send: (position: number, numbers: number[]) => Promise<void>
    }) => Promise<void>,
  ) => {
    const job = await makeJob({ texts: texts.slice(0, 4) })
    const purse = new Purse()
    const { ours, theirs } = await connectedStreams(consumer)
    const running = new RunningJob(ours, job, { clock: realClock, credit: purse })
    const forging = (async () => {
      const frames = new FramedStream(theirs, consumerFrameSchema, realClock)
      await frames.receive()
      const { nonce, body } = desk.redeem(consumer.name, job.quote.quoteId)
      const question = embedQuestionOf(job)
      const accepted = encode({ nonce })
      const agreed = hashAgreed({
        ...{ quote: body, question: encodeEmbedQuestion(question), accepted, credit: purse.opening },
      })
      const terms = creditTermsOf(question, { jobId: job.jobId, quote: job.quote, consumer: consumer.name })
      await frames.send({ type: 'accepted', body: accepted, waiting: 0 })
      const send = (position: number, numbers: number[]) =>
        frames.send({ type: 'vectors', position, vectors: encodeVectors(Float32Array.from(numbers)) })
      await say({ frames, signer: new VectorSigner(terms, agreed, provider.key), send })
    })()
    forging.catch(() => undefined)
    return { running, purse }
  }
  const [first, second] = blocksOf(texts.slice(0, 4), DIMENSIONS) as [
    ReturnType<typeof blocksOf>[0],
    ReturnType<typeof blocksOf>[0],
  ]
  const numbers = (value = 1, count = 2): number[] => Array.from({ length: count * DIMENSIONS }, () => value)
  const bytesOf = (values: number[]): Uint8Array => encodeVectors(Float32Array.from(values))

  it.each([
    ['vectors that are not what the chunk names', 'vectors', numbers(), numbers(2)],
    ['vectors with one bit changed on the way', 'vectors', [...numbers().slice(1), 1.0000001], numbers()],
    ['fewer vectors than texts', 'form', numbers(1, 1), numbers(1, 1)],
    ['a number that is none', 'form', [NaN, ...numbers().slice(1)], [NaN, ...numbers().slice(1)]],
  ])('refuses %s and pays nothing for them', async (_, reason, sent, signed) => {
    const { running, purse } = await forge(async ({ frames, signer, send }) => {
      await send(0, sent)
      await frames.send({ type: 'chunk', chunk: await signer.sign(first, bytesOf(signed)) })
    })
    const events: JobEvent[] = []
    const hearing = (async () => {
      for await (const event of running.events()) events.push(event)
    })()
    await expect(hearing).rejects.toMatchObject({ code: 'stream.bad-chunk', facts: { reason } })
    expect(vectorsIn(events)).toEqual([])
    expect(purse.handedOut).toEqual([])
    expect(running.due).toBe(0n)
  })

  it('loses no more than a block to a provider that turns bad, and keeps what was right before', async () => {
    const { running, purse } = await forge(async ({ frames, signer, send }) => {
      await send(0, numbers())
      await frames.send({ type: 'chunk', chunk: await signer.sign(first, bytesOf(numbers())) })
      await send(second.position, numbers())
      await frames.send({ type: 'chunk', chunk: await signer.sign(second, bytesOf(numbers(3))) })
    })
    await expect(collect(running)).rejects.toMatchObject({ facts: { reason: 'vectors' } })
    expect(purse.handedOut).toEqual([200n])
    expect(running).toMatchObject({ due: 200n, chunks: 1 })
  })

  it.each([
    ['position', { position: 1 }],
    ['length', { texts: 1 }],
    ['amount', { due: amountToBytes(201n) }],
    ['index', { index: 1 }],
    ['chain', { previous: new Uint8Array(32) }],
    ['job', { jobId: new Uint8Array(16) }],
  ])('refuses a chunk with a wrong %s', async (reason, changes) => {
    const { running, purse } = await forge(async ({ frames, signer, send }) => {
      await send(0, numbers())
      const body = decode(vectorChunkSchema, (await signer.sign(first, bytesOf(numbers()))).body)
      const plain = { ...body, jobId: fromHex(body.jobId), due: amountToBytes(body.due) }
      const chunk = await sign('vectors', { ...plain, ...changes }, provider.key)
      await frames.send({ type: 'chunk', chunk })
    })
    await expect(collect(running)).rejects.toMatchObject({ code: 'stream.bad-chunk', facts: { reason } })
    expect(purse.handedOut).toEqual([])
  })

  it.each([
    ['another block first', 'stream.bad-chunk', (send: Send) => send(2, numbers())],
    [
      'a second block before the first is signed',
      'stream.bad-chunk',
      async (send: Send) => {
        await send(0, numbers())
        await send(2, numbers())
      },
    ],
    [
      'tokens',
      'wire.unexpected',
      (_: Send, frames: Frames) => frames.send({ type: 'tokens', position: 0, tokens: [1] }),
    ],
    [
      'its goodbye too early',
      'stream.bad-chunk',
      (_: Send, frames: Frames) =>
        frames.send({ type: 'done', finish: 'stop', promptTokens: 400, outputTokens: 0 }),
    ],
    [
      'more bytes than a frame of vectors may have',
      'wire.malformed',
      (_: Send, frames: Frames) =>
        frames.send({ type: 'vectors', position: 0, vectors: new Uint8Array(32 * 1024 + 1) }),
    ],
  ])('refuses %s', async (_, code, say) => {
    const { running, purse } = await forge(({ frames, send }) => say(send, frames))
    await expect(collect(running)).rejects.toMatchObject({ code })
    expect(purse.handedOut).toEqual([])
  })
  type Send = (position: number, numbers: number[]) => Promise<void>
  type Frames = FramedStream<typeof consumerFrameSchema>
})

describe('blocks of texts', () => {
  it('hold as many whole texts as come to their tokens and bytes, and one at least', () => {
    const lengths = [100, 100, 100, 300, 10, 250, 6, 1]
    const given = lengths.map((length) => Array.from({ length }, () => 1))
    const cut = blocksOf(given, 8).map(({ position, texts }) => [position, texts.length])
    expect(cut).toEqual([
      [0, 2],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 2],
      [7, 1],
    ])
    // A vector of 4096 numbers takes 16 KiB: two to a block.
    expect(blocksOf(given.slice(-1).concat(given.slice(-1), given.slice(-1)), 4096)).toHaveLength(2)
    expect(blocksOf([], 8)).toEqual([])
  })

  it('are paid by the token that is read', () => {
    const quote = { price: pricePerToken(3n, 50n) } as Parameters<typeof creditTermsOf>[1]['quote']
    const question = { task: 'feature-extraction', texts, dimensions: 8 } as unknown as Parameters<
      typeof creditTermsOf
    >[0]
    const terms = creditTermsOf(question, { quote } as Parameters<typeof creditTermsOf>[1])
    expect(terms).toMatchObject({ prefillTokens: tokens(0), maxTokens: READ, chunkTokens: 200 })
    expect(terms.price.outputPerMillion).toBe(quote.price.promptPerMillion)
  })
})
