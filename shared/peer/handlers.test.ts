import type { Connection, Stream } from '@libp2p/interface'
import fc from 'fast-check'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { concatBytes, fromHex } from '../base/bytes.ts'
import { jobId, type ModelHash } from '../base/ids.ts'
import { baseUnits, epochMillis, millis } from '../base/units.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { hashManifest } from '../models/manifest.ts'
import { ExchangeLedger } from '../models/pieces/exchange-ledger.ts'
import { PiecesService } from '../models/pieces/pieces-service.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { createQuoteHandler } from '../prompt/quote-service.ts'
import { Directory } from '../schedule/directory.ts'
import { DirectoryService } from '../schedule/directory-service.ts'
import { offerBody } from '../schedule/offer.ts'
import { SeedBook } from '../schedule/seeds/seed-book.ts'
import { SeedsService } from '../schedule/seeds/seeds-service.ts'
import { JobService } from '../stream/job-service.ts'
import { encodeQuestion } from '../stream/question.ts'
import { encodeTranscripts } from '../stream/transcript.ts'
import { ClaimBox } from '../settle/claim-box.ts'
import { leaveBody } from '../settle/claim-messages.ts'
import { ClaimService } from '../settle/claim-service.ts'
import { MemoryLedgerStore } from '../settle/ledger-store.ts'
import { signVoucher } from '../settle/voucher.ts'
import { makeAnswer, type MadeAnswer } from '../testing/answers.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { ESCROW, operatorKey, PAYER, RELAY, sessionKey, STAKE } from '../testing/payments.ts'
import { connectedStreams, makePeer, someModel, someOffer, type TestPeer } from '../testing/peers.ts'
import { makeModel, storeWith } from '../testing/pieces.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { someVerdict } from '../testing/verdicts.ts'
import { GoldenBook } from '../verify/board/golden-book.ts'
import { RecordsService } from '../verify/board/records-service.ts'
import { VerdictBook } from '../verify/board/verdict-book.ts'
import { openGolden, signGolden } from '../verify/golden/golden-sketches.ts'
import { signVerdict } from '../verify/verdict.ts'
import { unmeasuredEnvelope } from '../verify/calibration/hard-limits.ts'
import { OpeningKeeper } from '../verify/openings/opening-keeper.ts'
import { openingKey } from '../verify/openings/opening-key.ts'
import { OpeningsService } from '../verify/openings/openings-service.ts'
import { signOpened, statementBytes } from '../verify/openings/statement.ts'
import { encodeCase, openCase, shownToVerifier } from '../verify/service/check-case.ts'
import { VerifyService } from '../verify/service/verify-service.ts'
import { encode } from '../wire/codec.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { sign } from '../wire/signed.ts'

type Handler = (stream: Stream, connection: Connection) => Promise<void>

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function framed(body: Uint8Array): Uint8Array {
  if (body.length >= 2 ** 14) throw new RangeError('two bytes hold no such length')
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return concatBytes(Uint8Array.from(length), body)
}

describe('the protocol handlers', () => {
  let provider: TestPeer
  let stranger: TestPeer
  let engine: FakeEngine
  let jobs: JobService
  let openings: OpeningKeeper
  let directory: DirectoryService
  let box: ClaimBox
  let desk: QuoteDesk
  let checks: VerifyService
  let answer: MadeAnswer
  let handlers: Record<string, Handler>
  let unhandled: unknown[]
  /** Messages that each are valid somewhere. */
  let valid: unknown[]
  let sharedModel: ModelHash
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    provider = await makePeer()
    stranger = await makePeer()
    engine = createFakeEngine({ clock: realClock, info: { model: someModel() }, answerLength: 20 })
    const price = pricePerToken(1n, 2n)
    const terms = { price, queueMs: millis(0), prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
    desk = new QuoteDesk({
      key: provider.key,
      clock: realClock,
      random: realRandom,
      termsOf: (model) =>
        model === someModel() ? { ...terms, contextLength: 1024, isDraining: false } : undefined,
    })
    openings = new OpeningKeeper({ clock: realClock, random: realRandom })
    openings.keep({
      ...{ jobId: jobId('00'.repeat(16)), link: new Uint8Array(32), question: new Uint8Array(), from: 0 },
      ...{ secret: openings.secret(), sketches: new Uint16Array(40 * SKETCH_SIZE) },
    })
    jobs = new JobService({
      clock: realClock,
      key: provider.key,
      desk,
      servedOf: (model) =>
        model === someModel() ? { engine, slots: 1, queue: 8, isDraining: false } : undefined,
    })
    checks = new VerifyService({
      ...{ name: provider.name, clock: realClock, key: provider.key, random: realRandom, desk, jobs },
      servedOf: (model) =>
        model === someModel() ? { engine, slots: 1, queue: 8, isDraining: false } : undefined,
      envelopeFor: unmeasuredEnvelope,
    })
    answer = await makeAnswer(await makePeer(), { engine, consumer: stranger.name })
    directory = new DirectoryService({
      clock: realClock,
      directory: new Directory({ clock: realClock, random: realRandom }),
    })
    const views = new Map([[ESCROW.escrow, new FakeChain()]])
    box = await ClaimBox.load(
      { store: new MemoryLedgerStore(), views },
      { chainId: ESCROW.chainId, stake: STAKE },
    )
    handlers = {
      prompt: createQuoteHandler({ clock: realClock, desk }),
      stream: jobs.handle,
      verify: checks.handle,
      schedule: directory.handle,
      settle: new ClaimService({ clock: realClock, box }).handle,
      pieces: await piecesHandler(),
      seeds: new SeedsService({
        clock: realClock,
        book: new SeedBook({ clock: realClock, random: realRandom }),
      }).handle,
      records: new RecordsService({
        clock: realClock,
        golden: new GoldenBook({ clock: realClock, random: realRandom, open: openGolden }),
        verdicts: new VerdictBook({ clock: realClock, knows: () => true }),
      }).handle,
      openings: new OpeningsService({ clock: realClock, keeper: openings, key: provider.key }).handle,
    }
    valid = await validMessages()
  })
  afterEach(async () => {
    await pause(5)
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
    await engine.close()
  })

  const piecesHandler = async (): Promise<Handler> => {
    const ledger = new ExchangeLedger(realClock)
    const service = new PiecesService({ clock: realClock, random: realRandom, ledger })
    const shared = await makeModel({ 'a.onnx': 1000 })
    sharedModel = hashManifest(shared.manifest)
    await service.share(shared.manifest, await storeWith(shared))
    return service.handle
  }

  const validMessages = async (): Promise<unknown[]> => {
    const model = fromHex(someModel())
    const offer = await sign('offer', offerBody(someOffer(realClock.now())), stranger.key)
    const voucher = await signVoucher(
      ESCROW,
      {
        ...{ payer: PAYER, provider: operatorKey.address, relay: RELAY, model: someModel(), epoch: 0 },
        cumulative: baseUnits(5n),
      },
      sessionKey,
    )
    const issuedAt = realClock.now()
    const golden = await signGolden(
      {
        model: someModel(),
        class: { backend: 'wasm', adapter: 'cpu', build: 'a build' },
        sketches: new Uint16Array(16),
        at: issuedAt,
        expiresAt: epochMillis(issuedAt + 1000),
      },
      stranger.key,
    )
    const verdict = await signVerdict(someVerdict(provider, { at: issuedAt }), stranger.key)
    const opened = { link: new Uint8Array(32), positions: [0], openings: [] }
    const statement = statementBytes(await signOpened(opened, provider.key))
    return [
      { type: 'quote', model, promptTokens: 3, maxTokens: 9 },
      {
        type: 'open',
        jobId: new Uint8Array(16),
        quoteId: new Uint8Array(16),
        question: encodeQuestion({
          ...{ task: 'text-generation', model: someModel(), promptTokens: [3, 4], priorTokens: [] },
          ...{ sampler: { temperature: 1, topP: 1 }, maxTokens: 10, seed: null },
          ...{ consumerNonce: new Uint8Array(32), salt: new Uint8Array(16) },
        }),
      },
      { type: 'ack', position: 0, credit: new Uint8Array() },
      { type: 'ack', position: 8192, credit: new Uint8Array() },
      { type: 'ack', position: 0, credit: new Uint8Array(1024).fill(7) },
      { type: 'receipt', receipt: new Uint8Array(64) },
      leaveBody({ ...ESCROW, operator: operatorKey.address, binding: new Uint8Array(64) }, [voucher]),
      {
        ...{ type: 'check', quoteId: new Uint8Array(16) },
        transcript: encodeTranscripts([shownToVerifier(answer.transcript)]),
      },
      { type: 'openings', openings: answer.openings.slice(0, 1) },
      { type: 'openings', openings: [] },
      { type: 'openings', openings: [], optional: { statement, asked: Uint8Array.of(255) } },
      { type: 'cancel' },
      { type: 'beat', beat: 1, echo: false },
      { type: 'beat', beat: 1, echo: true },
      { type: 'announce', id: 1, offer },
      { type: 'announce', id: 2, offer: { ...offer, signature: new Uint8Array(64) } },
      { type: 'withdraw', id: 3, tombstone: offer },
      { type: 'query', id: 4, model: null, limit: 4 },
      { type: 'watch', id: 5, peers: [provider.name] },
      { type: 'announce', seeds: offer },
      { type: 'find', model, limit: 4 },
      { type: 'publish-golden', golden },
      { type: 'publish-golden', golden: verdict },
      { type: 'find-golden', model, providers: [], limit: 4 },
      { type: 'publish-verdict', verifier: stranger.name, verdict },
      { type: 'find-verdicts', provider: provider.name },
      { type: 'count' },
      { type: 'open', model: fromHex(sharedModel) },
      { type: 'manifest', model: fromHex(sharedModel) },
      { type: 'interest', wanted: false },
      { type: 'want', piece: 0, offset: 0, length: 1000 },
      { type: 'want', piece: 9, offset: 0, length: 1000 },
      { type: 'cancel', piece: 0 },
      { type: 'accepted', nonce: new Uint8Array(32), waiting: 0 },
      { type: 'open', link: new Uint8Array(32), key: new Uint8Array(32), positions: [0, 3] },
      { type: 'open', link: new Uint8Array(32), key: openingKey(new Uint8Array()), positions: [0, 39] },
      { type: 'failed', error: { code: 'internal', facts: {} } },
    ]
  }

  /** Hands the bytes to a handler as a stranger would, goes away, and looks at what is left. */
  const attack = async (name: string, parts: readonly Uint8Array[]): Promise<void> => {
    // Of one peer few checks are taken: of a new one each time all are.
    const who = name === 'verify' ? await makePeer() : stranger
    const { ours, theirs, connection } = await connectedStreams(who)
    const done = handlers[name]?.(theirs, connection)
    for (const part of parts) if (ours.writeStatus === 'writable') ours.send(part)
    await pause(1)
    await ours.close().catch(() => undefined)
    ours.abort(new Error('the stranger left'))
    await expect(done).resolves.toBeUndefined()
    await expect.poll(() => theirs.status).not.toBe('open')
  }

  const names = ['prompt', 'stream', 'verify', 'openings', 'records', 'schedule', 'settle', 'pieces', 'seeds']

  it.each(names)('%s: takes any bytes without a throw, and leaves no stream open', async (name) => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 120 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(bytes, (parts) => attack(name, parts)),
      { numRuns: 40 },
    )
  })

  it.each(names)('%s: takes any CBOR in proper frames', async (name) => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.record({
        type: fc.constantFrom('open', 'quote', 'query', 'ack', 'announce'),
        id: fc.integer(),
        limit: fc.double({ noNaN: true, noDefaultInfinity: true }),
      }),
    )
    const frames = fc.array(value, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(frames, (messages) =>
        attack(
          name,
          messages.map((message) => framed(encode(message))),
        ),
      ),
      { numRuns: 40 },
    )
  })

  it.each(names)('%s: takes valid messages of every kind in any order', async (name) => {
    const order = fc.array(fc.nat(valid.length - 1), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(order, (picks) =>
        attack(
          name,
          picks.map((i) => framed(encode(valid[i]))),
        ),
      ),
      { numRuns: 40 },
    )
  })

  it.each(names)('%s: takes a valid message with any one byte changed', async (name) => {
    const change = fc.record({ pick: fc.nat(valid.length - 1), at: fc.nat(), to: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(change, ({ pick, at, to }) => {
        const bytes = framed(encode(valid[pick]))
        bytes[at % bytes.length] = to
        return attack(name, [bytes])
      }),
      { numRuns: 40 },
    )
  })

  it.each(names)('%s: takes a stranger who leaves in the middle of anything', async (name) => {
    const cut = fc.record({ pick: fc.nat(valid.length - 1), length: fc.nat(200) })
    await fc.assert(
      fc.asyncProperty(cut, ({ pick, length }) =>
        attack(name, [framed(encode(valid[pick])).subarray(0, length)]),
      ),
      { numRuns: 30 },
    )
  })

  it('verify: takes a check that was admitted, and then anything, from a stranger who leaves', async () => {
    const opened = await openCase(answer.transcript)
    const after = fc.array(fc.nat(valid.length - 1), { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(after, async (picks) => {
        const who = await makePeer()
        const { ours, theirs, connection } = await connectedStreams(who)
        const request = {
          type: 'quote',
          model: opened.model,
          promptTokens: opened.read,
          maxTokens: 1,
        } as const
        const { quoteId } = await openQuote(await desk.quote(who.name, request), {
          provider: provider.name,
          consumer: who.name,
        })
        const done = checks.handle(theirs, connection)
        const check = { type: 'check', quoteId: fromHex(quoteId), transcript: encodeCase(opened) }
        for (const message of [check, ...picks.map((i) => valid[i])])
          if (ours.writeStatus === 'writable') ours.send(framed(encode(message)))
        await pause(1)
        ours.abort(new Error('the stranger left'))
        await expect(done).resolves.toBeUndefined()
        expect(theirs.status).not.toBe('open')
      }),
      { numRuns: 40 },
    )
  })

  /** A message that each protocol answers, whoever sends it. */
  const askedOf = (name: string): unknown => {
    const [kind, more] = (
      {
        ...{ prompt: ['quote'], stream: ['open', 'quoteId'], verify: ['check'], openings: ['open', 'link'] },
        ...{
          records: ['count'],
          schedule: ['query'],
          settle: ['leave'],
          pieces: ['manifest'],
          seeds: ['find', 'limit'],
        },
      } as const
    )[name] ?? ['']
    return valid.find((each) => {
      const { type, ...rest } = each as { type: string }
      return type === kind && (more === undefined || more in rest)
    })
  }

  it.each(names)('%s: answers whoever speaks beside 600 streams that are held in silence', async (name) => {
    const silent = []
    for (const holder of [await makePeer(), await makePeer()]) {
      const { connection } = await connectedStreams(holder)
      for (let i = 0; i < 300; i++) {
        const { ours, theirs } = await connectedStreams(holder)
        silent.push(ours)
        void handlers[name]?.(theirs, connection)
      }
    }
    const { ours, theirs, connection } = await connectedStreams(stranger)
    void handlers[name]?.(theirs, connection)
    const told = new FramedStream(ours, v.looseObject({ error: v.optional(v.unknown()) }), realClock)
    await told.send(askedOf(name))
    const reply = await told.receive()
    expect(JSON.stringify(reply.error ?? '')).not.toMatch(/busy|limited/)
    for (const each of silent) each.abort(new Error('the stranger left'))
    ours.abort(new Error('the stranger left'))
  })

  it('hold nothing of all that afterwards', async () => {
    for (const name of names) for (const message of valid) await attack(name, [framed(encode(message))])
    expect(jobs.jobs).toEqual([])
    expect(checks.checks).toBe(0)
    expect(directory.sessions).toBe(0)
    expect(box.size).toBe(0)
    expect(engine.active).toBe(0)
  })
})
