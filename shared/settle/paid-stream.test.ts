import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../base/bytes.ts'
import { baseUnits, millis } from '../base/units.ts'
import { isErrorCode } from '../errors/code-table.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { JobService } from '../stream/job-service.ts'
import { encodeQuestion } from '../stream/question.ts'
import { providerFrameSchema } from '../stream/messages.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { ESCROW, operatorKey, PAYER, PAYMENT, RELAY, sessionKey, tillOver } from '../testing/payments.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { encode } from '../wire/codec.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { encodeCredit } from './credit-message.ts'
import { MemoryLedgerStore } from './ledger-store.ts'
import { signVoucher } from './voucher.ts'

describe('a paid provider’s handler', () => {
  let provider: TestPeer
  let engine: FakeEngine
  let desk: QuoteDesk
  let service: JobService
  let store: MemoryLedgerStore
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    provider = await makePeer()
    engine = createFakeEngine({ clock: realClock, answerLength: 20 })
    const chain = new FakeChain()
    chain.deposit(PAYER, 100_000n)
    chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() + 3_600_000)
    store = new MemoryLedgerStore()
    const { till } = await tillOver(store, chain)
    const { model } = engine.info
    desk = new QuoteDesk({
      key: provider.key,
      // Its limit of prices at once is not what is tested: a hundred times faster, it is never met.
      clock: { ...realClock, monotonic: () => millis(realClock.monotonic() * 100) },
      random: realRandom,
      termsOf: () => ({
        price: pricePerToken(1n, 10n),
        queueMs: millis(0),
        prefillTokensPerSecond: 1,
        decodeTokensPerSecond: 1,
        contextLength: 1024,
        isDraining: false,
        payment: PAYMENT,
      }),
    })
    service = new JobService({
      clock: realClock,
      key: provider.key,
      desk,
      servedOf: (asked) =>
        asked === model ? { engine, slots: 4, queue: 8, isDraining: false, credit: till } : undefined,
    })
  })
  afterEach(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  /** Opens a job with this credit, sends these frames, and gives the types and codes of what comes back. */
  const attack = async (credit: Uint8Array | undefined, frames: readonly unknown[]): Promise<string[]> => {
    const stranger = await makePeer() // quotes are counted per consumer
    const { model } = engine.info
    const signed = await desk.quote(stranger.name, { type: 'quote', model, promptTokens: 2, maxTokens: 9 })
    const { quoteId } = await openQuote(signed, { provider: provider.name, consumer: stranger.name })
    const { ours, theirs, connection } = await connectedStreams(stranger)
    const done = service.handle(theirs, connection)
    const answers = new FramedStream(ours, providerFrameSchema, realClock)
    const open = {
      type: 'open',
      jobId: realRandom.bytes(16),
      quoteId: fromHex(quoteId),
      question: encodeQuestion({
        ...{ task: 'text-generation', model, promptTokens: [3, 4], priorTokens: [], maxTokens: 9 },
        ...{ sampler: { temperature: 1, topP: 1 }, seed: null },
        ...{ consumerNonce: new Uint8Array(32), salt: new Uint8Array(16) },
      }),
      ...(credit ? { credit } : {}),
    }
    const said: string[] = []
    for (const frame of [open, ...frames])
      if (ours.writeStatus === 'writable') ours.send(framed(encode(frame)))
    try {
      for (;;) {
        const frame = await answers.receive({ deadlineMs: 300 })
        said.push(frame.type === 'failed' ? frame.error.code : frame.type)
        if (frame.type === 'done' || frame.type === 'failed') break
      }
    } catch {
      // closed
    }
    await ours.close().catch(() => undefined)
    ours.abort(new Error('the stranger left'))
    await expect(done).resolves.toBeUndefined()
    await expect.poll(() => theirs.status).not.toBe('open')
    return said
  }

  const credit = async (cumulative: bigint): Promise<Uint8Array> => {
    const line = { payer: PAYER, provider: operatorKey.address, model: engine.info.model, epoch: 0 }
    const voucher = { ...line, relay: RELAY, cumulative: baseUnits(cumulative) }
    return encodeCredit(await signVoucher(ESCROW, voucher, sessionKey))
  }

  it('answers any credit by a name, does no work for it, and puts nothing on record', async () => {
    await fc.assert(
      fc.asyncProperty(fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }), async (bytes) => {
        const said = await attack(bytes, [])
        expect(said).toHaveLength(1)
        expect(said[0] === 'payment.required' || said[0] === 'payment.bad-voucher').toBe(true)
      }),
      { numRuns: 40 },
    )
    expect(engine.active).toBe(0)
    expect(await store.list('')).toEqual([])
  })

  it('takes a valid opening with any one byte changed as what it then is', async () => {
    const valid = await credit(0n)
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), fc.nat(255), async (at, to) => {
        const changed = Uint8Array.from(valid)
        changed[at] = to
        const [first = ''] = await attack(changed, [])
        const isTaken = toHex(changed) === toHex(valid)
        expect(isTaken ? first === 'accepted' : first.startsWith('payment.')).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('ends a running job by a name when rubbish comes in place of a payment, and keeps what was good', async () => {
    const opening = await credit(100n)
    const frame = fc.oneof(
      fc
        .uint8Array({ minLength: 1, maxLength: 300 })
        .map((bytes) => ({ type: 'ack', position: 0, credit: bytes })),
      fc.uint8Array({ maxLength: 300 }).map((receipt) => ({ type: 'receipt', receipt })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 4 }), async (frames) => {
        const said = await attack(opening, frames)
        const last = said.at(-1) ?? ''
        expect(said[0] === 'accepted' || isErrorCode(said[0])).toBe(true)
        expect(['done', 'accepted', 'tokens', 'chunk', 'receipt'].includes(last) || isErrorCode(last)).toBe(
          true,
        )
      }),
      { numRuns: 25 },
    )
    expect(engine.active).toBe(0)
    expect(service.jobs).toEqual([])
    const [[, record] = []] = await store.list('')
    expect(toHex(record ?? new Uint8Array())).toContain(toHex(encode(Uint8Array.of(100))))
  })
})

function framed(body: Uint8Array): Uint8Array {
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return concatBytes(Uint8Array.from(length), body)
}
