import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Stream } from '@libp2p/interface'
import { jobId } from '../base/ids.ts'
import { millis, tokens } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import type { CreditTerms } from '../stream/credit.ts'
import { JobService, type LiveJob } from '../stream/job-service.ts'
import type { Job } from '../stream/job.ts'
import { RunningJob, type JobEvent } from '../stream/run-job.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { createFakeEngine } from '../testing/fake-engine.ts'
import { PAYER, PAYMENT, purseOver, sessionKey, tillOver } from '../testing/payments.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { MemoryLedgerStore } from './ledger-store.ts'
import type { PayeeCredit } from './payee-credit.ts'
import type { PayeeLedger } from './payee-ledger.ts'
import type { PayerCredit } from './payer-credit.ts'

const SHORT = 3
const LONG = 300
const ANSWER = 70

/** What one job came to on both sides. */
interface Ended {
  readonly asker: { due: bigint; paid: bigint }
  readonly provider: { due: bigint; paid: bigint }
  readonly code: string
}

/** Both sides as they are, purse and till with them, over streams in memory. */
describe('an answer that is stopped', () => {
  let provider: TestPeer
  let consumer: TestPeer
  let purse: PayerCredit
  let ledger: PayeeLedger
  let till: PayeeCredit
  let payeeStore: MemoryLedgerStore
  let chain: FakeChain
  let service: JobService | undefined
  let ended: LiveJob[]
  let nextJob = 1
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  /** It stands still: no deadline may be what brings the two together. */
  const clock = new FakeClock()
  const engine = createFakeEngine({ clock: realClock, answerLength: ANSWER })
  const { model } = engine.info

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    provider = await makePeer()
    consumer = await makePeer()
    chain = new FakeChain()
    chain.deposit(PAYER, 100_000_000n)
    chain.authorize(PAYER, sessionKey.address, 100_000_000n, realClock.now() + 3_600_000)
    payeeStore = new MemoryLedgerStore()
    purse = purseOver(new MemoryLedgerStore(), chain)
    ended = []
    await openTill()
  })
  afterEach(() => {
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  /** As a provider's tab does when it is loaded: all it knows is what is on record. */
  const openTill = async (): Promise<void> => {
    ;({ till, ledger } = await tillOver(payeeStore, chain))
  }

  /** A provider's doors over the one till; quotes are bounded, and nobody here is to be held up by that. */
  const openDoors = (): { desk: QuoteDesk; service: JobService } => {
    const terms = {
      price: pricePerToken(1n, 10n),
      queueMs: millis(0),
      ...{ prefillTokensPerSecond: 1, decodeTokensPerSecond: 1, contextLength: 1024 },
      isDraining: false,
      payment: PAYMENT,
    }
    const components = { key: provider.key, clock, random: realRandom }
    const desk = new QuoteDesk({ ...components, termsOf: () => terms })
    const service = new JobService({
      ...components,
      desk,
      servedOf: () => ({ engine, slots: 4, queue: 8, isDraining: false, credit: till }),
      onEnd: (job) => ended.push(job),
    })
    return { desk, service }
  }

  const jobOf = async (promptTokens: number, desk: QuoteDesk): Promise<Job> => {
    const who = consumer.name
    const quoteSigned = await desk.quote(who, { type: 'quote', model, promptTokens, maxTokens: 500 })
    return {
      jobId: jobId((nextJob++).toString(16).padStart(32, '0')),
      provider: provider.name,
      prompt: {
        task: 'text-generation',
        model,
        promptTokens: Array.from({ length: promptTokens }, (_, i) => 3 + (i % 200)),
        sampler: { temperature: 1, topP: 1 },
        maxTokens: 500,
        maxOutputPrice: undefined,
      },
      quote: await openQuote(quoteSigned, { provider: provider.name, consumer: who }),
      quoteSigned,
      priorTokens: [],
      consumerNonce: new Uint8Array(32),
      salt: new Uint8Array(16),
      seed: undefined,
    }
  }
  const termsOf = ({ jobId, quote, prompt }: Job): CreditTerms => ({
    jobId,
    quote,
    consumer: consumer.name,
    price: quote.price,
    prefillTokens: tokens(prompt.promptTokens.length),
    from: 0,
    maxTokens: prompt.maxTokens,
  })

  /** Asks, and does something at each event that comes and at each frame that the provider sends. */
  const ask = async (
    promptTokens: number,
    {
      signal,
      onEvent,
      onSend,
      leavesAt,
    }: {
      signal?: AbortSignal
      onEvent?: (event: JobEvent) => unknown
      /** Called before it leaves. */
      onSend?: (ours: Stream, theirs: Stream) => void
      leavesAt?: JobEvent['type']
    } = {},
  ): Promise<Ended> => {
    const { desk, service: doors } = openDoors()
    service = doors
    const job = await jobOf(promptTokens, desk)
    const { ours, theirs, connection } = await connectedStreams(consumer)
    const credit = await purse.open(termsOf(job))
    const before = ended.length
    const send = theirs.send.bind(theirs)
    theirs.send = (data) => {
      onSend?.(ours, theirs)
      return send(data)
    }
    const served = doors.handle(theirs, connection)
    const running = new RunningJob(ours, job, { clock, credit })
    let code = 'done'
    try {
      for await (const event of running.events({ signal })) {
        onEvent?.(event)
        if (event.type === leavesAt) break
      }
    } catch (thrown) {
      ;({ code } = InfernetError.from(thrown))
    }
    await served
    const live = ended.slice(before).at(-1)?.job
    return {
      asker: { due: running.due, paid: running.paid },
      provider: { due: live?.due ?? 0n, paid: live?.paid ?? 0n },
      code,
    }
  }

  const whole = (promptTokens: number): bigint => BigInt(promptTokens) + 10n * BigInt(ANSWER)

  /** The provider deals with this payer as with any other, and both write down the same. */
  const expectGoodTerms = async (): Promise<void> => {
    for (const promptTokens of [LONG, SHORT, LONG]) {
      const before = ledger.unclaimedOf(PAYER, 0)
      const { asker, provider: theirs, code } = await ask(promptTokens)
      const due = whole(promptTokens)
      expect({ code, asker, theirs }).toEqual({
        code: 'done',
        asker: { due, paid: due },
        theirs: { due, paid: due },
      })
      expect(ledger.unclaimedOf(PAYER, 0) - before).toBe(due)
    }
  }
  const expectAgreement = ({ asker, provider: theirs }: Ended, before: bigint): void => {
    expect(asker.paid).toBe(asker.due)
    expect(theirs).toEqual(asker)
    expect(ledger.unclaimedOf(PAYER, 0) - before).toBe(asker.due)
  }

  const prompts = [
    ['long', LONG],
    ['short', SHORT],
  ] as const

  it.each(prompts)(
    'to a %s prompt, at any event, leaves both sides with one sum, and the next one is answered',
    { timeout: 120_000 },
    async (_, promptTokens) => {
      for (let at = 1, events = 1; at <= events; at++) {
        const controller = new AbortController()
        const before = ledger.unclaimedOf(PAYER, 0)
        events = 0
        const onEvent = (): unknown => ++events === at && controller.abort()
        const stopped = await ask(promptTokens, { signal: controller.signal, onEvent })
        expectAgreement(stopped, before)
        if (at % 8 === 1) await expectGoodTerms()
      }
      await expectGoodTerms()
    },
  )

  it.each(prompts)(
    'to a %s prompt, with any frame of the provider on its way, leaves both sides with one sum',
    { timeout: 120_000 },
    async (_, promptTokens) => {
      for (let at = 1, frames = 1; at <= frames; at++) {
        const controller = new AbortController()
        const before = ledger.unclaimedOf(PAYER, 0)
        frames = 0
        const onSend = (): unknown => ++frames === at && controller.abort()
        const stopped = await ask(promptTokens, { signal: controller.signal, onSend })
        expectAgreement(stopped, before)
        if (at % 8 === 1) await expectGoodTerms()
      }
      await expectGoodTerms()
    },
  )

  it.each(prompts)(
    'to a %s prompt, by a stream that dies at any frame: costs one prompt at most, and is in nobody’s way',
    { timeout: 120_000 },
    async (_, promptTokens) => {
      for (let at = 1, frames = 1; at <= frames; at += at < 12 ? 1 : 7) {
        await openTill() // a stream that dies may leave a chunk unpaid, and only some of these are forgiven
        frames = 0
        const dies = (ours: Stream, theirs: Stream): void => {
          if (++frames !== at) return
          ours.abort(new Error('the connection broke'))
          theirs.abort(new Error('the connection broke'))
        }
        const before = ledger.unclaimedOf(PAYER, 0)
        const { asker, provider: theirs } = await ask(promptTokens, { onSend: dies })
        expect(asker.paid - asker.due <= BigInt(promptTokens)).toBe(true)
        expect(theirs.due - theirs.paid <= 320n + BigInt(SHORT)).toBe(true)
        const next = await ask(LONG)
        expect(next).toEqual({
          code: 'done',
          asker: { due: whole(LONG), paid: whole(LONG) },
          provider: { due: whole(LONG), paid: whole(LONG) },
        })
        expect(ledger.unclaimedOf(PAYER, 0) - before).toBe(asker.paid + next.asker.paid)
      }
    },
  )

  it('before it is asked for costs nothing, and the voucher that never left pays for the next', async () => {
    const stopped = await ask(LONG, { signal: AbortSignal.abort() })
    expect(stopped).toMatchObject({ asker: { due: 0n, paid: 0n }, code: 'stream.cancelled' })
    expect((await ask(LONG)).code).toBe('done')
    expect(ledger.unclaimedOf(PAYER, 0)).toBe(whole(LONG))
  })

  it('by leaving its loop agrees as well', async () => {
    for (const leavesAt of ['accepted', 'tokens', 'chunk', 'done'] as const) {
      const before = ledger.unclaimedOf(PAYER, 0)
      expectAgreement(await ask(LONG, { leavesAt }), before)
    }
    await expectGoodTerms()
  })

  it('by a provider that hands it over agrees as well, on the last block too', async () => {
    for (let at = 1; at <= 4; at++) {
      const before = ledger.unclaimedOf(PAYER, 0)
      let chunks = 0
      const onEvent = ({ type }: JobEvent): void => {
        const isDue = (type === 'accepted' || type === 'chunk') && ++chunks === at
        if (isDue) service?.handOver(new InfernetError('stream.draining'))
      }
      expectAgreement(await ask(LONG, { onEvent }), before)
    }
    await expectGoodTerms()
  })

  it('beside another one of the same payer, agrees with it on the sum', async () => {
    for (let at = 1; at <= 80; at += at < 64 ? 12 : 2) {
      const before = ledger.unclaimedOf(PAYER, 0)
      const controller = new AbortController()
      let events = 0
      const onEvent = (): unknown => ++events === at && controller.abort()
      const [stopped, whole] = await Promise.all([
        ask(LONG, { signal: controller.signal, onEvent }),
        ask(SHORT),
      ])
      expect(whole.code).toBe('done')
      expect(whole.asker.paid).toBe(whole.asker.due)
      expect(stopped.asker.paid).toBe(stopped.asker.due)
      expect(ledger.unclaimedOf(PAYER, 0) - before).toBe(stopped.asker.paid + whole.asker.paid)
    }
    await expectGoodTerms()
  })
})
