import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { jobId } from '../../base/ids.ts'
import { millis } from '../../base/units.ts'
import type { Engine } from '../../engine/engine.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { QuoteDesk } from '../../prompt/quote-desk.ts'
import { openQuote } from '../../prompt/quote.ts'
import { JobService } from '../../stream/job-service.ts'
import { providerFrameSchema } from '../../stream/messages.ts'
import { encodeQuestion, questionOf } from '../../stream/question.ts'
import type { Job } from '../../stream/job.ts'
import { RunningJob, type JobEvent } from '../../stream/run-job.ts'
import { seedOf, verifyTranscript, type Transcript } from '../../stream/transcript.ts'
import { createFakeEngine } from '../../testing/fake-engine.ts'
import { connectedStreams, makePeer, type TestPeer } from '../../testing/peers.ts'
import { pricePerToken } from '../../testing/prices.ts'
import { realClock, realRandom } from '../../testing/real-clock.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { OpeningKeeper } from './opening-keeper.ts'
import { OpeningsService } from './openings-service.ts'
import { committedPositions } from './read-openings.ts'
import { requestOpenings } from './request-openings.ts'

describe('a job whose chunks commit to sketches', () => {
  let provider: TestPeer
  let consumer: TestPeer
  let engine: Engine
  let desk: QuoteDesk
  let keeper: OpeningKeeper
  let service: JobService

  const serve = (withKeeper = true): void => {
    keeper = new OpeningKeeper({ clock: realClock, random: realRandom })
    desk = new QuoteDesk({
      ...{ key: provider.key, clock: realClock, random: realRandom },
      termsOf: () => ({
        ...{ price: pricePerToken(0n, 0n), queueMs: millis(0), contextLength: 1024, isDraining: false },
        ...{ prefillTokensPerSecond: 1000, decodeTokensPerSecond: 1000 },
      }),
    })
    service = new JobService({
      ...{ clock: realClock, key: provider.key, desk },
      servedOf: () => ({ engine, slots: 1, queue: 8, isDraining: false }),
      sketches: withKeeper ? keeper : undefined,
    })
  }
  beforeEach(async () => {
    provider = await makePeer()
    consumer = await makePeer()
    engine = createFakeEngine({ clock: realClock, answerLength: 75 })
    serve()
  })

  const makeJob = async (priorTokens: readonly number[] = []): Promise<Job> => {
    const { model } = engine.info
    const quoteSigned = await desk.quote(consumer.name, {
      ...{ type: 'quote', model, promptTokens: 3, maxTokens: 500 },
    })
    return {
      ...{ jobId: jobId('0c'.repeat(16)), provider: provider.name, quoteSigned, priorTokens },
      prompt: {
        ...{ task: 'text-generation', model, promptTokens: [1, 5, 7], maxTokens: 500 },
        ...{ sampler: { temperature: 1, topP: 1 }, maxOutputPrice: undefined },
      },
      quote: await openQuote(quoteSigned, { provider: provider.name, consumer: consumer.name }),
      ...{ consumerNonce: new Uint8Array(32).fill(3), salt: new Uint8Array(16) },
      seed: priorTokens.length > 0 ? new Uint8Array(32).fill(1) : undefined,
    }
  }
  const run = async (job: Job, until: (event: JobEvent) => boolean = () => false): Promise<Transcript> => {
    const { ours, theirs, connection } = await connectedStreams(consumer)
    void service.handle(theirs, connection)
    const running = new RunningJob(ours, job, { clock: realClock })
    for await (const event of running.events()) if (until(event)) break
    return running.transcript!
  }
  const open = async (transcript: Transcript) => {
    const proven = await verifyTranscript(transcript)
    const { ours, theirs, connection } = await connectedStreams(consumer)
    void new OpeningsService({ clock: realClock, keeper, key: provider.key }).handle(theirs, connection)
    const job = { transcript, proven, positions: committedPositions(proven) }
    const { opened } = await requestOpenings(ours, job, { clock: realClock })
    if (opened === 'forged') throw new Error('an honest provider forged')
    return { proven, opened }
  }
  /** What a verifier's own pass gives. */
  const scored = async (transcript: Transcript): Promise<number[]> => {
    const proven = await verifyTranscript(transcript)
    const { promptTokens, priorTokens, sampler } = proven.question!
    const text = { promptTokens, priorTokens, outputTokens: proven.tokens }
    const scores = await engine.score({ ...text, sampler, seed: seedOf(proven)! })
    expect(scores.every(({ margin }) => margin === 0)).toBe(true)
    return scores.flatMap(({ sketch }) => [...sketch])
  }

  it.each([[[]], [[4, 4, 4]]])(
    'can be opened as soon as its consumer has the last chunk, after prior tokens %j',
    async (priorTokens) => {
      const transcript = await run(await makeJob(priorTokens))
      const { proven, opened } = await open(transcript)
      expect(proven.roots.map(({ count }) => count)).toEqual(
        priorTokens.length > 0 ? [32, 32, 8] : [32, 32, 11],
      )
      expect(proven.roots.every(({ root }) => root)).toBe(true)
      expect(opened[0]?.position).toBe(priorTokens.length)
      expect(opened.flatMap(({ sketch }) => [...sketch])).toEqual(await scored(transcript))
    },
  )

  it('can be opened when its consumer has stopped it, as far as chunks were signed', async () => {
    engine = createFakeEngine({ clock: realClock, answerLength: 500, tokensPerSecond: 500 })
    serve()
    let chunks = 0
    const transcript = await run(await makeJob(), ({ type }) => type === 'chunk' && ++chunks === 3)
    await expect.poll(() => keeper.size).toBe(1)
    const { opened } = await open(transcript)
    expect(opened.length).toBeGreaterThanOrEqual(64)
    expect(opened.flatMap(({ sketch }) => [...sketch])).toEqual(await scored(transcript))
  })

  it('is one job of several of one question, each with openings of its own', async () => {
    const job = await makeJob()
    const first = await run(job)
    const again = await makeJob()
    const second = await run({ ...again, jobId: job.jobId })
    expect(keeper.size).toBe(2)
    const roots = [await open(first), await open(second)].map(({ proven }) => proven.roots[0]?.root)
    expect(roots[0]).not.toEqual(roots[1])
  })

  it('is served without commitments where the provider keeps none', async () => {
    serve(false)
    const proven = await verifyTranscript(await run(await makeJob()))
    expect(proven.tokens).toHaveLength(75)
    expect(proven.roots.map(({ root }) => root)).toEqual([undefined, undefined, undefined])
  })

  it('is served without commitments where the engine gives no sketches', async () => {
    const fake = engine
    engine = {
      ...fake,
      generate: (request, options) => fake.generate({ ...request, sketches: false }, options),
    }
    const proven = await verifyTranscript(await run(await makeJob()))
    expect(proven.roots.map(({ root }) => root)).toEqual([undefined, undefined, undefined])
  })

  it.each([
    ['does not wish for them', {}],
    ['says so', { optional: { sketches: false } }],
    ['wishes for what is not known yet', { optional: { mood: 'good' } }],
  ])('commits to nothing for a consumer that %s: one from before refuses a root', async (_, wish) => {
    const job = await makeJob()
    const { ours, theirs, connection } = await connectedStreams(consumer)
    void service.handle(theirs, connection)
    const frames = new FramedStream(ours, providerFrameSchema, realClock)
    const [id, quoteId] = [fromHex(job.jobId), fromHex(job.quote.quoteId)]
    const question = encodeQuestion(questionOf(job))
    await frames.send({ type: 'open', jobId: id, quoteId, question, ...wish })
    const bodies: string[] = []
    for (;;) {
      const frame = await frames.receive()
      if (frame.type === 'chunk') bodies.push(Buffer.from(frame.chunk.body).toString('latin1'))
      if (frame.type === 'tokens')
        await frames.send({ type: 'ack', position: frame.position, credit: new Uint8Array() })
      if (frame.type === 'done') break
    }
    expect(bodies).toHaveLength(4)
    expect(bodies.filter((body) => body.includes('root'))).toEqual([])
    expect(keeper.size).toBe(0)
  })

  it('adds the 39 bytes of a root to a chunk of 32 tokens', async () => {
    const sizes = async (): Promise<number> =>
      (await run({ ...(await makeJob()), seed: new Uint8Array(32) })).chunks.reduce(
        (sum, { body }) => sum + body.length,
        0,
      )
    const withRoots = await sizes()
    serve(false)
    expect(withRoots - (await sizes())).toBe(3 * (1 + 4 + 2 + 32))
  })

  it('keeps 32 bytes a token', async () => {
    const kept: number[] = []
    const keep = keeper.keep.bind(keeper)
    keeper.keep = (job) => {
      kept.push(job.sketches.length)
      keep(job)
    }
    await run(await makeJob())
    expect(kept).toEqual([75 * SKETCH_SIZE])
  })
})
