import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../base/bytes.ts'
import { jobId } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { encode } from '../wire/codec.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { IDLE_FRAMES_RATE } from './constants.ts'
import type { Job } from './job.ts'
import { JobService } from './job-service.ts'
import { consumerFrameSchema, providerFrameSchema } from './messages.ts'
import { encodeQuestion, questionOf } from './question.ts'
import { RunningJob } from './run-job.ts'

const FLOOD = 5000

describe('a flood of frames that bring nothing', () => {
  let provider: TestPeer
  let consumer: TestPeer
  let engine: FakeEngine
  let desk: QuoteDesk
  let service: JobService

  beforeEach(async () => {
    provider = await makePeer()
    consumer = await makePeer()
    // Writes for as long as a test lasts.
    engine = createFakeEngine({ clock: realClock, answerLength: 500, tokensPerSecond: 50 })
    const { model } = engine.info
    const terms = { price: pricePerToken(1n, 10n), queueMs: millis(0), contextLength: 1024 }
    const speeds = { prefillTokensPerSecond: 1e3, decodeTokensPerSecond: 1e3, isDraining: false }
    desk = new QuoteDesk({
      ...{ key: provider.key, clock: realClock, random: realRandom },
      termsOf: () => ({ ...terms, ...speeds }),
    })
    service = new JobService({
      ...{ clock: realClock, key: provider.key, desk },
      servedOf: (each) => (each === model ? { engine, slots: 1, queue: 8, isDraining: false } : undefined),
    })
  })
  afterEach(() => engine.close())

  const makeJob = async (): Promise<Job> => {
    const { model } = engine.info
    const quoteSigned = await desk.quote(consumer.name, {
      ...{ type: 'quote', model, promptTokens: 3, maxTokens: 500 },
    })
    const prompt: Prompt = {
      ...{ task: 'text-generation', model, promptTokens: [1, 5, 7] },
      ...{ sampler: { temperature: 1, topP: 1 }, maxTokens: 500, maxOutputPrice: undefined },
    }
    return {
      jobId: jobId('01'.repeat(16)),
      provider: provider.name,
      prompt,
      quote: await openQuote(quoteSigned, { provider: provider.name, consumer: consumer.name }),
      quoteSigned,
      priorTokens: [],
      consumerNonce: new Uint8Array(32),
      salt: new Uint8Array(16),
      seed: undefined,
    }
  }

  /** Sends many frames in one write, as they come from a network. */
  const flood = (stream: Stream, frame: unknown, count = FLOOD): void => {
    const body = encode(frame)
    const one = Uint8Array.from([body.length, ...body])
    const all = new Uint8Array(one.length * count)
    for (let i = 0; i < count; i++) all.set(one, i * one.length)
    for (let at = 0; at < all.length && stream.status === 'open'; at += 32_768)
      stream.send(all.subarray(at, at + 32_768))
  }

  it.each([
    ['heartbeats', { type: 'beat', beat: 1, echo: false }],
    ['echoes', { type: 'beat', beat: 1, echo: true }],
    ['acknowledgements of nothing', { type: 'ack', position: 0, credit: new Uint8Array() }],
    ['credit for a free job', { type: 'ack', position: 0, credit: new Uint8Array(20) }],
  ])('of a consumer ends its job: %s', async (_, frame) => {
    const { ours, theirs, connection } = await connectedStreams(consumer)
    const cut: unknown[] = []
    connection.abort = (reason) => void cut.push(reason)
    const sendTo = theirs.send.bind(theirs)
    let frames = 0
    theirs.send = (data) => {
      frames++
      return sendTo(data)
    }
    const served = service.handle(theirs, connection)
    const told = new FramedStream(ours, providerFrameSchema, realClock)
    const job = await makeJob()
    await told.send({
      ...{ type: 'open', jobId: fromHex(job.jobId), quoteId: fromHex(job.quote.quoteId) },
      question: encodeQuestion(questionOf(job)),
    })
    expect(await told.receive()).toMatchObject({ type: 'accepted' })
    flood(ours, frame)
    await expect(untilFailed(told)).resolves.toMatchObject({ error: { code: 'stream.flooded' } })
    await served
    expect(service.jobs).toHaveLength(0)
    expect(cut, 'its connection goes too').toMatchObject([{ code: 'stream.flooded' }])
    expect(frames, 'the answers to it').toBeLessThan(2 * IDLE_FRAMES_RATE.burst)
  })

  it('of a provider ends its job: heartbeats', async () => {
    const { ours, theirs } = await connectedStreams(consumer)
    const running = new RunningJob(ours, await makeJob(), { clock: realClock })
    const provided = new FramedStream(theirs, consumerFrameSchema, realClock)
    const ended = running.events().next()
    expect(await provided.receive()).toMatchObject({ type: 'open' })
    let echoes = 0
    const listening = (async () => {
      for (;;) if ((await provided.receive()).type === 'beat') echoes++
    })()
    flood(theirs, { type: 'beat', beat: 1, echo: false })
    await expect(ended).rejects.toMatchObject({ code: 'stream.flooded' })
    await expect(listening).rejects.toMatchObject({ code: 'wire.closed' })
    expect(echoes).toBeLessThan(2 * IDLE_FRAMES_RATE.burst)
  })

  it('of a provider ends its job: it says again and again that it takes it', async () => {
    const { ours, theirs } = await connectedStreams(consumer)
    const job = await makeJob()
    const { nonce } = desk.redeem(consumer.name, job.quote.quoteId)
    const running = new RunningJob(ours, job, { clock: realClock })
    const accepted = { type: 'accepted', body: encode({ nonce }), waiting: 0 }
    const told = async (): Promise<number> => {
      let count = 0
      for await (const event of running.events()) if (event.type === 'accepted') count++
      return count
    }
    const ended = told()
    flood(theirs, accepted, 2)
    await expect(ended).rejects.toMatchObject({ code: 'wire.unexpected', facts: { got: 'accepted' } })
  })
})

async function untilFailed(told: FramedStream<typeof providerFrameSchema>) {
  for (;;) {
    const frame = await told.receive()
    if (frame.type === 'failed') return frame
  }
}
