import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Stream } from '@libp2p/interface'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { jobId, type JobId } from '../base/ids.ts'
import { millis, SECOND_MS, tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { decode, encode } from '../wire/codec.ts'
import { sign } from '../wire/signed.ts'
import { ChunkSigner } from './chunk.ts'
import {
  ACK_DEADLINE_MS,
  ACK_WINDOW_TOKENS,
  CHUNK_TOKENS,
  HEARTBEAT_MS,
  SILENCE_MS,
  PAUSE_MS,
  STALL_MS,
} from './constants.ts'
import { hashAgreed } from './first-link.ts'
import { JobService, type LiveJob } from './job-service.ts'
import { chunkSchema } from './messages.ts'
import { encodeQuestion, questionOf } from './question.ts'
import type { Job } from './job.ts'
import { RunningJob, type JobEvent } from './run-job.ts'
import type { Screen } from './screen.ts'
import { deriveSeed } from './seed.ts'
import type { JobOutcome, TakeModel } from './serve-job.ts'
import { decodeTranscripts, encodeTranscripts, verifyTranscript } from './transcript.ts'

const price = pricePerToken(1n, 10n)

describe('a job between RunningJob and JobService', () => {
  let provider: TestPeer
  let consumer: TestPeer
  let engine: FakeEngine
  let desk: QuoteDesk
  let service: JobService
  let outcomes: JobOutcome[]
  let isDraining: boolean
  let nextJob: number

  beforeEach(async () => {
    nextJob = 1
    outcomes = []
    isDraining = false
    provider = await makePeer()
    consumer = await makePeer()
    start(createFakeEngine({ clock: realClock, answerLength: 100 }))
  })

  const start = (
    fake: FakeEngine,
    {
      slots = 1,
      queue = 8,
      take,
      clock = realClock,
      screen,
    }: { slots?: number; queue?: number; take?: TakeModel; clock?: Clock; screen?: Screen } = {},
  ): void => {
    engine = fake
    const terms = {
      price,
      queueMs: millis(0),
      prefillTokensPerSecond: 1e3,
      decodeTokensPerSecond: 1e3,
      contextLength: 1024,
    }
    const isOurs = (model: string): boolean => model === engine.info.model
    desk = new QuoteDesk({
      key: provider.key,
      clock: realClock,
      random: realRandom,
      termsOf: (model) => (isOurs(model) ? { ...terms, isDraining: false } : undefined),
    })
    service = new JobService({
      clock,
      key: provider.key,
      desk,
      servedOf: (model) => (isOurs(model) ? { engine, slots, queue, isDraining, take, screen } : undefined),
      onEnd: (_: LiveJob, outcome) => outcomes.push(outcome),
    })
  }

  const promptOf = (changes: Partial<Prompt> = {}): Prompt => ({
    task: 'text-generation',
    model: engine.info.model,
    promptTokens: [1, 5, 7],
    sampler: { temperature: 1, topP: 1 },
    maxTokens: 500,
    maxOutputPrice: undefined,
    ...changes,
  })

  const makeJob = async (changes: Partial<Job> = {}, who = consumer): Promise<Job> => {
    const request = { type: 'quote', model: engine.info.model, promptTokens: 3, maxTokens: 500 } as const
    const quoteSigned = await desk.quote(who.name, request)
    return {
      jobId: newId(),
      provider: provider.name,
      prompt: promptOf(),
      quote: await openQuote(quoteSigned, { provider: provider.name, consumer: who.name }),
      quoteSigned,
      priorTokens: [],
      consumerNonce: new Uint8Array(32).fill(3),
      salt: new Uint8Array(16),
      seed: undefined,
      ...changes,
    }
  }
  const newId = (): JobId => jobId((nextJob++).toString(16).padStart(32, '0'))

  const run = async (
    job: Job,
    who = consumer,
  ): Promise<{ running: RunningJob; ours: Stream; theirs: Stream }> => {
    const { ours, theirs, connection } = await connectedStreams(who)
    void service.handle(theirs, connection)
    return { running: new RunningJob(ours, job, { clock: realClock }), ours, theirs }
  }

  const collect = async (running: RunningJob): Promise<{ events: JobEvent[]; tokens: number[] }> => {
    const events: JobEvent[] = []
    for await (const event of running.events()) events.push(event)
    return { events, tokens: events.flatMap((event) => (event.type === 'tokens' ? event.tokens : [])) }
  }

  it('leaves a transcript that proves question and answer from its bytes alone', async () => {
    const job = await makeJob()
    const { running } = await run(job)
    expect(running.transcript).toBeUndefined()
    const { tokens: written, events } = await collect(running)
    const { transcript } = running
    const [read] = decodeTranscripts(encodeTranscripts(transcript ? [transcript] : []))
    const proven = read && (await verifyTranscript(read))
    expect(proven).toMatchObject({ tokens: written, from: 0, due: running.due, provider: provider.name })
    expect(proven?.question).toEqual(questionOf(job))
    expect(proven?.quote).toEqual(job.quote)
    const [accepted] = events.filter((event) => event.type === 'accepted')
    expect(proven?.nonce && deriveSeed(job.jobId, job.consumerNonce, proven.nonce)).toEqual(accepted?.seed)
  })

  it('streams the whole answer and signs every token of it in chunks of 32', async () => {
    const { running } = await run(await makeJob())
    const { events, tokens } = await collect(running)
    expect(tokens).toHaveLength(100)
    const chunks = events.flatMap((event) => (event.type === 'chunk' ? [event.chunk] : []))
    expect(chunks.map((chunk) => chunk.tokens.length)).toEqual([0, 32, 32, 32, 4])
    expect(chunks.flatMap((chunk) => chunk.tokens)).toEqual(tokens)
    expect(events.at(-1)).toEqual({ type: 'done', finish: 'stop', isUsageDisputed: false })
    expect(running.due).toBe(3n * 1n + 100n * 10n)
    await expect.poll(() => outcomes).toEqual(['done'])
  })

  it.each([1, 31, 32, 33, 70])(
    'goes on after %i tokens of another provider as if it had written them',
    async (split) => {
      const job = await makeJob()
      const whole = await collect((await run(job)).running)
      const seed = whole.events.flatMap((event) => (event.type === 'accepted' ? [event.seed] : []))[0]
      const priorTokens = whole.tokens.slice(0, split)
      const second = await run(await makeJob({ priorTokens, seed }))
      const rest = await collect(second.running)
      expect([...priorTokens, ...rest.tokens]).toEqual(whole.tokens)
      expect(second.running.due).toBe(BigInt(3 + split) + 10n * BigInt(100 - split))
    },
  )

  it('draws different tokens under another seed', async () => {
    const first = await collect((await run(await makeJob())).running)
    const second = await collect(
      (await run(await makeJob({ consumerNonce: new Uint8Array(32).fill(4) }))).running,
    )
    expect(second.tokens).not.toEqual(first.tokens)
  })

  it('takes a job when its model is there, holds it there for the job, and lets it go', async () => {
    const taken = Promise.withResolvers<void>()
    let held = 0
    start(createFakeEngine({ clock: realClock, answerLength: 20 }), {
      take: async () => {
        await taken.promise
        held++
        return () => void held--
      },
    })
    const { running } = await run(await makeJob())
    const heldAt: number[] = []
    const told = (async () => {
      for await (const event of running.events()) if (event.type !== 'chunk') heldAt.push(held)
    })()
    await expect.poll(() => service.jobs.length).toBe(1)
    expect(running.isAccepted, 'nothing is spent while it loads').toBe(false)
    taken.resolve()
    await told
    expect(heldAt.length).toBeGreaterThan(2)
    expect(heldAt[0], 'it is accepted when it is there').toBe(1)
    await expect.poll(() => [held, ...outcomes]).toEqual([0, 'done'])
  })

  it('refuses a job whose model could not be loaded, and has accepted nothing', async () => {
    start(createFakeEngine({ clock: realClock }), {
      take: () => Promise.reject(new InfernetError('engine.load-failed')),
    })
    const { running } = await run(await makeJob())
    await expect(collect(running)).rejects.toMatchObject({ code: 'engine.load-failed' })
    expect(running.isAccepted).toBe(false)
    await expect.poll(() => outcomes).toEqual(['failed'])
  })

  it('ends the wait for a model when the consumer stops', async () => {
    start(createFakeEngine({ clock: realClock }), {
      take: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    })
    const { running } = await run(await makeJob())
    const stop = new AbortController()
    const told = (async () => {
      for await (const _ of running.events({ signal: stop.signal })) continue
    })()
    await expect.poll(() => service.jobs.length).toBe(1)
    stop.abort()
    await expect(told).rejects.toMatchObject({ code: 'stream.cancelled' })
    await expect.poll(() => outcomes).toEqual(['cancelled'])
  })

  it('stops the engine when the consumer leaves the loop', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 200, answerLength: 400 }))
    const { running } = await run(await makeJob())
    for await (const event of running.events()) if (event.type === 'tokens') break
    await expect.poll(() => engine.active).toBe(0)
    await expect.poll(() => outcomes).toEqual(['cancelled'])
  })

  it('is cancelled by the signal, by name, while it waits', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 5, answerLength: 400 }))
    const { running } = await run(await makeJob())
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 50)
    const drained = (async () => {
      for await (const _ of running.events({ signal: controller.signal })) continue
    })()
    await expect(drained).rejects.toMatchObject({ code: 'stream.cancelled' })
    await expect.poll(() => outcomes).toEqual(['cancelled'])
  })

  it('hands a job back with the reason when the engine dies, and keeps what was signed', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 400, answerLength: 400 }))
    const { running } = await run(await makeJob())
    const failing = (async () => {
      for await (const event of running.events()) {
        if (event.type === 'chunk' && event.chunk.index === 1) engine.breakDown(new Error('gone'))
      }
    })()
    await expect(failing).rejects.toMatchObject({ name: 'InfernetError' })
    expect(running.signedTokens).toBeGreaterThanOrEqual(CHUNK_TOKENS)
    expect(running.due).toBe(3n + 10n * BigInt(running.signedTokens))
    await expect.poll(() => outcomes).toEqual(['failed'])
  })

  it('says goodbye in one go when the provider leaves', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 50, answerLength: 400 }))
    const { running } = await run(await makeJob())
    const failing = (async () => {
      for await (const event of running.events()) if (event.type === 'tokens') service.handOver(lost())
    })()
    await expect(failing).rejects.toMatchObject({ code: 'stream.provider-lost' })
  })

  it('refuses by name what the provider does not want to read, the words of an earlier provider too', async () => {
    const read: (readonly (readonly number[])[])[] = []
    start(createFakeEngine({ clock: realClock, answerLength: 20 }), {
      screen: async (texts) => {
        read.push(texts)
        if (texts.flat().includes(7)) throw new InfernetError('stream.refused')
      },
    })
    const seed = new Uint8Array(32)
    const prompts = [
      [{}, 'stream.refused'],
      [{ prompt: promptOf({ promptTokens: [1] }), priorTokens: [7], seed }, 'stream.refused'],
    ] as const
    for (const [changes, code] of prompts) {
      const { running, theirs } = await run(await makeJob(changes))
      await expect(collect(running)).rejects.toMatchObject({ code })
      expect([running.wasRefused, service.jobs.length]).toEqual([true, 0])
      await expect.poll(() => theirs.status).not.toBe('open')
    }
    expect(read).toEqual([
      [[1, 5, 7], []],
      [[1], [7]],
    ])
    const { tokens: written } = await collect(
      (await run(await makeJob({ prompt: promptOf({ promptTokens: [1] }) }))).running,
    )
    expect(written, 'what it does not mind is answered').toHaveLength(20)
  })

  it('has a text read only for a quote, and takes no more jobs than there is room for after that', async () => {
    const screen = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, 20)))
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 5, answerLength: 400 }), { screen, queue: 0 })
    const job = await makeJob()
    const stranger = await makePeer()
    const unquoted = await run({ ...job, jobId: newId() }, stranger)
    await expect(collect(unquoted.running)).rejects.toMatchObject({ code: 'prompt.quote-unknown' })
    expect(screen).not.toHaveBeenCalled()
    const second = await makeJob({}, stranger)
    const results = [collect((await run(job)).running), collect((await run(second, stranger)).running)]
    await expect(
      Promise.any(
        results.map((each) => each.then(Promise.reject.bind(Promise), (thrown: unknown) => thrown)),
      ),
    ).resolves.toMatchObject({ code: 'stream.busy' })
    expect(service.jobs).toHaveLength(1)
    service.handOver(lost())
    await Promise.allSettled(results)
  })

  it('ends a job that its provider stops, and does not take that prompt from that consumer again', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 50, answerLength: 400 }), { slots: 4 })
    const stopFirst = async (changes: Partial<Job> = {}): Promise<void> => {
      const { running } = await run(await makeJob(changes))
      const told = (async () => {
        for await (const event of running.events())
          if (event.type === 'tokens') service.jobs.forEach((live) => service.stop(live))
      })()
      await expect(told).rejects.toMatchObject({ code: 'stream.refused' })
    }
    await stopFirst()
    await expect.poll(() => [engine.active, ...outcomes]).toEqual([0, 'failed'])
    const again = await run(await makeJob({ priorTokens: [9, 9], seed: new Uint8Array(32) }))
    await expect(collect(again.running)).rejects.toMatchObject({ code: 'stream.refused' })
    expect(again.running.wasRefused).toBe(true)
    const somebodyElse = await makePeer()
    const begun = await run(await makeJob({}, somebodyElse), somebodyElse)
    for await (const event of begun.running.events()) if (event.type === 'tokens') break
  })

  it('admits what it has room for and refuses 200 others by name, then serves again', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 2000, answerLength: 30 }), {
      slots: 1,
      queue: 3,
    })
    const consumers = await Promise.all(Array.from({ length: 50 }, () => makePeer()))
    const jobs = await Promise.all(
      consumers.flatMap((who) =>
        Array.from({ length: 4 }, async () => ({ who, job: await makeJob({}, who) })),
      ),
    )
    const results = await Promise.allSettled(
      jobs.map(async ({ who, job }) => collect((await run(job, who)).running)),
    )
    const refused = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => (reason as { code: string }).code)
    expect(refused.length).toBeGreaterThanOrEqual(100)
    expect(new Set(refused)).toEqual(new Set(['stream.busy']))
    for (const result of results)
      if (result.status === 'fulfilled') expect(result.value.tokens).toHaveLength(30)
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
    expect((await collect((await run(await makeJob())).running)).tokens).toHaveLength(30)
  })

  it('refuses by name what it cannot run, and leaves no stream open', async () => {
    const cases: [Partial<Job>, string][] = [
      [{ prompt: promptOf({ promptTokens: [5000] }) }, 'engine.bad-token'],
      [{ prompt: promptOf({ promptTokens: Array.from({ length: 1024 }, () => 1) }) }, 'engine.context-full'],
      [{ prompt: promptOf({ model: 'b'.repeat(64) as Prompt['model'] }) }, 'models.unknown'],
      [{ prompt: promptOf({ sampler: { temperature: 9, topP: 1 } }) }, 'wire.malformed'],
    ]
    for (const [changes, code] of cases) {
      const { running, theirs } = await run(await makeJob(changes))
      await expect(collect(running)).rejects.toMatchObject({ code })
      await expect.poll(() => theirs.status).not.toBe('open')
    }
  })

  it('refuses a quote that was used, and one made for someone else', async () => {
    const job = await makeJob()
    await collect((await run(job)).running)
    await expect(collect((await run({ ...job, jobId: newId() })).running)).rejects.toMatchObject({
      code: 'prompt.quote-unknown',
    })
    const thief = await makePeer()
    await expect(collect((await run(await makeJob(), thief)).running)).rejects.toMatchObject({
      code: 'prompt.quote-unknown',
    })
  })

  it('takes no new job while it drains', async () => {
    const job = await makeJob()
    isDraining = true
    await expect(collect((await run(job)).running)).rejects.toMatchObject({ code: 'stream.draining' })
  })

  it('lets go of a reader that acknowledges nothing, within bounded memory', async () => {
    const clock = new FakeClock()
    start(createFakeEngine({ clock: realClock, answerLength: 900 }), { clock })
    const { ours, theirs, connection } = await connectedStreams(consumer)
    const served = service.handle(theirs, connection)
    const job = await makeJob()
    ours.send(framed(openFrame(job)))
    await expect.poll(() => service.jobs[0]?.job.written).toBeGreaterThanOrEqual(ACK_WINDOW_TOKENS)
    await clock.advance(ACK_DEADLINE_MS + SECOND_MS)
    await served
    expect(outcomes).toEqual(['failed'])
    expect(service.jobs).toEqual([])
    expect(engine.active).toBe(0)
  })

  it.each([
    ['rubbish', Uint8Array.from([4, 0xff, 0, 0xff, 0])],
    ['a frame above the limit', Uint8Array.from([0xff, 0xff, 0xff, 0x7f])],
    ['a cancel before the job', framed({ type: 'cancel' })],
    ['an unknown type', framed({ type: 'hello' })],
  ])('refuses a stream that begins with %s', async (_, bytes) => {
    const { ours, theirs, connection } = await connectedStreams(consumer)
    const served = service.handle(theirs, connection)
    ours.send(bytes)
    await served
    expect(theirs.status).not.toBe('open')
    expect(service.jobs).toEqual([])
  })

  it('ends a job whose consumer acknowledges what was never sent', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 20, answerLength: 400 }))
    const { ours, theirs, connection } = await connectedStreams(consumer)
    const served = service.handle(theirs, connection)
    ours.send(framed(openFrame(await makeJob())))
    ours.send(framed({ type: 'ack', position: 4000, credit: new Uint8Array() }))
    await served
    expect(outcomes).toEqual(['failed'])
  })

  describe('with a provider that cheats', () => {
    /** Plays the provider by hand. */
    const cheat = async (
      job: Job,
      script: (send: (message: unknown) => void) => Promise<void> | void,
    ): Promise<RunningJob> => {
      const { ours, theirs } = await connectedStreams(consumer)
      const running = new RunningJob(ours, job, { clock: realClock })
      await script((message) => void theirs.send(framed(message)))
      return running
    }
    const nonceOf = (job: Job): Uint8Array => desk.redeem(consumer.name, job.quote.quoteId).nonce

    it.each([
      [
        'another nonce than it quoted',
        'stream.bad-chunk',
        () => ({ type: 'accepted', body: encode({ nonce: new Uint8Array(32) }), waiting: 0 }),
      ],
      [
        'tokens at a wrong position',
        'stream.bad-chunk',
        () => ({ type: 'tokens', position: 7, tokens: [1] }),
      ],
      [
        'more tokens than asked for',
        'stream.bad-chunk',
        () => ({ type: 'tokens', position: 0, tokens: Array.from({ length: 64 }, () => 1) }),
      ],
      [
        'a goodbye over tokens it never signed',
        'stream.bad-chunk',
        () => ({ type: 'done', finish: 'stop', promptTokens: 3, outputTokens: 1 }),
      ],
      [
        'a text as its reason',
        'peer.refused',
        () => ({ type: 'failed', error: { code: '<b>give up</b>', facts: {} } }),
      ],
      ['an unknown message', 'wire.malformed', () => ({ type: 'gift' })],
    ])('names %s', async (_, code, message) => {
      const job = await makeJob({ prompt: promptOf({ maxTokens: 20 }) })
      const running = await cheat(job, (send) => {
        if (message().type === 'done') send({ type: 'tokens', position: 0, tokens: [9] })
        send(message())
      })
      await expect(collect(running)).rejects.toMatchObject({ code })
    })

    it('accepts no chunk that another key signed, covers other tokens, or asks for more money', async () => {
      const other = await makePeer()
      const cases: [object, TestPeer, string][] = [
        [{}, other, 'wire.bad-signature'],
        [{ due: Uint8Array.from([99]) }, provider, 'stream.bad-chunk'],
        [{ index: 1 }, provider, 'stream.bad-chunk'],
        [{ previous: new Uint8Array(32) }, provider, 'stream.bad-chunk'],
        [{ tokens: [4] }, provider, 'stream.bad-chunk'],
      ]
      for (const [changes, who, code] of cases) {
        const job = await makeJob()
        const { accepted, body } = await honestChunkZero(job, nonceOf(job))
        const chunk = await sign('chunk', { ...body, ...changes }, who.key)
        const running = await cheat(job, (send) => {
          send(accepted)
          send({ type: 'chunk', chunk })
        })
        await expect(collect(running)).rejects.toMatchObject({ code })
        expect(running.due).toBe(0n)
      }
    })

    it('counts for itself when the provider claims another usage', async () => {
      const job = await makeJob()
      const { accepted, body } = await honestChunkZero(job, nonceOf(job))
      const chunk = await sign('chunk', body, provider.key)
      const running = await cheat(job, (send) => {
        send(accepted)
        send({ type: 'chunk', chunk })
        send({ type: 'done', finish: 'length', promptTokens: 3, outputTokens: 400 })
      })
      const { events } = await collect(running)
      expect(events.at(-1)).toEqual({ type: 'done', finish: 'length', isUsageDisputed: true })
      expect(running.due).toBe(3n)
    })

    it('gives up on one that only sends signs of life', async () => {
      const clock = new FakeClock()
      const { ours, theirs } = await connectedStreams(consumer)
      const running = new RunningJob(ours, await makeJob(), { clock })
      const failing = collect(running)
      failing.catch(() => undefined)
      for (let beat = 0; beat < STALL_MS / 2000; beat++) {
        theirs.send(framed({ type: 'beat', beat, echo: false }))
        await clock.advance(2000)
      }
      await expect(failing).rejects.toMatchObject({ code: 'stream.stalled' })
    })

    it('gives up sooner on one that writes a word and then only sends signs of life', async () => {
      const clock = new FakeClock()
      const { ours, theirs } = await connectedStreams(consumer)
      const job = await makeJob()
      const failing = collect(new RunningJob(ours, job, { clock }))
      let code: string | undefined
      failing.catch((thrown: unknown) => (code = (thrown as InfernetError).code))
      theirs.send(framed({ type: 'accepted', body: encode({ nonce: nonceOf(job) }), waiting: 0 }))
      theirs.send(framed({ type: 'tokens', position: 0, tokens: [9] }))
      await clock.advance(1)
      const from = clock.monotonic()
      for (let beat = 0; code === undefined && clock.monotonic() - from < STALL_MS; beat++) {
        theirs.send(framed({ type: 'beat', beat, echo: false }))
        await clock.advance(1000)
      }
      expect(code).toBe('stream.stalled')
      expect(clock.monotonic() - from).toBeGreaterThanOrEqual(PAUSE_MS)
      expect(clock.monotonic() - from).toBeLessThan(PAUSE_MS + 2000)
    })

    it('waits so much longer for one that said how long it loads, until it is loaded', async () => {
      const clock = new FakeClock()
      const { ours, theirs } = await connectedStreams(consumer)
      const job = await makeJob()
      const running = new RunningJob(
        ours,
        { ...job, quote: { ...job.quote, loadMs: millis(60_000) } },
        { clock },
      )
      let code: string | undefined
      void collect(running).catch((thrown: unknown) => (code = (thrown as InfernetError).code))
      const beatFor = async (ms: number): Promise<void> => {
        for (let beat = 0; beat < ms / 2000 && code === undefined; beat++) {
          theirs.send(framed({ type: 'beat', beat, echo: false }))
          await clock.advance(2000)
        }
      }
      await beatFor(STALL_MS + 50_000)
      expect(code, 'it loads, as it said').toBeUndefined()
      theirs.send(framed({ type: 'accepted', body: encode({ nonce: nonceOf(job) }), waiting: 0 }))
      await beatFor(STALL_MS - 10_000)
      expect(code, 'it is loaded, and reads').toBeUndefined()
      await beatFor(20_000)
      expect(code).toBe('stream.stalled')
    })

    it('goes on at once when one says that it goes, and is gone before our goodbye', async () => {
      const { ours, theirs } = await connectedStreams(consumer)
      ours.close = () => new Promise(() => undefined)
      const running = new RunningJob(ours, await makeJob(), { clock: new FakeClock() })
      theirs.send(framed({ type: 'failed', error: { code: 'stream.provider-lost', facts: {} } }))
      // No deadline comes to help: the clock stands still.
      await expect(collect(running)).rejects.toMatchObject({ code: 'stream.provider-lost' })
    })

    /** One that sent a token and nothing more, heard by a clock that stands still. */
    const silent = async (clock: Clock) => {
      const { ours, theirs } = await connectedStreams(consumer)
      const running = new RunningJob(ours, await makeJob(), { clock })
      const codes: string[] = []
      const ended = collect(running).catch((thrown: unknown) => codes.push(InfernetError.from(thrown).code))
      theirs.send(framed({ type: 'tokens', position: 0, tokens: [1] }))
      await expect.poll(() => running.received).toBe(1)
      return { running, codes, ended }
    }

    it('gives up on one that falls silent', async () => {
      const clock = new FakeClock()
      const { codes, ended } = await silent(clock)
      await clock.advance(SILENCE_MS - SECOND_MS)
      expect(codes).toEqual([])
      await clock.advance(HEARTBEAT_MS + SECOND_MS)
      await ended
      expect(codes).toEqual(['stream.silent'])
    })

    it('gives up within a second when a relay says that it is gone and it does not deny it', async () => {
      const clock = new FakeClock()
      const { running, codes, ended } = await silent(clock)
      running.suspectGone()
      await clock.advance(SECOND_MS)
      await ended
      expect(codes).toEqual(['stream.silent'])
    })
  })

  it('does not fall for a false alarm of the relay', async () => {
    start(createFakeEngine({ clock: realClock, tokensPerSecond: 30, answerLength: 60 }))
    const { running } = await run(await makeJob())
    let count = 0
    for await (const event of running.events()) {
      if (event.type === 'accepted') running.suspectGone()
      if (event.type === 'tokens') count += event.tokens.length
    }
    expect(count).toBe(60)
  })

  /** What an honest provider would agree to and sign first, for a job whose nonce is `nonce`. */
  const honestChunkZero = async (
    job: Job,
    nonce: Uint8Array,
  ): Promise<{ accepted: unknown; body: Record<string, unknown> }> => {
    const accepted = encode({ nonce })
    const question = encodeQuestion(questionOf(job))
    const agreed = { quote: job.quoteSigned.body, question, credit: new Uint8Array(), accepted }
    const { jobId, quote } = job
    const terms = { jobId, price: quote.price, prefillTokens: tokens(3), from: 0 }
    const [signed] = await new ChunkSigner(terms, hashAgreed(agreed), provider.key).add([])
    const body = decode(chunkSchema, signed!.body)
    return {
      accepted: { type: 'accepted', body: accepted, waiting: 0 },
      body: { ...body, jobId: fromHex(body.jobId), due: amountToBytes(body.due) },
    }
  }
})

function lost() {
  return new InfernetError('stream.provider-lost')
}

function openFrame(job: Job): unknown {
  return {
    type: 'open',
    jobId: fromHex(job.jobId),
    quoteId: fromHex(job.quote.quoteId),
    question: encodeQuestion(questionOf(job)),
  }
}

/** A message in its frame, with a varint length of one or two bytes. */
function framed(message: unknown): Uint8Array {
  const body = encode(message)
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return Uint8Array.from([...length, ...body])
}
