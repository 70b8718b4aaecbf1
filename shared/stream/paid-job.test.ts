import { beforeEach, describe, expect, it } from 'vitest'
import type { Stream } from '@libp2p/interface'
import { amountFromBytes, amountToBytes, utf8 } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { chainAddress, jobId, type JobId } from '../base/ids.ts'
import { baseUnits, millis, SECOND_MS, type BaseUnits } from '../base/units.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { QuotePayment } from '../prompt/prompt.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { encode } from '../wire/codec.ts'
import { CREDIT_DEADLINE_MS } from './constants.ts'
import type { CreditVerifier, IncomingCredit, OutgoingCredit } from './credit.ts'
import { JobService } from './job-service.ts'
import type { Job } from './job.ts'
import { RunningJob, type JobEvent } from './run-job.ts'
import type { JobOutcome } from './serve-job.ts'

const PROMPT_PRICE = 1n
const OUTPUT_PRICE = 10n
const somebody = chainAddress(`0x${'11'.repeat(20)}`)
const payment: QuotePayment = {
  chainId: 1,
  escrow: somebody,
  operator: somebody,
  relay: somebody,
  binding: new Uint8Array(64),
}

/** Credit that is nothing but an amount. */
class Purse implements OutgoingCredit {
  readonly opening = new Uint8Array()
  readonly handedOut: bigint[] = []
  readonly receipts: Uint8Array[] = []
  readonly heldByOther: Uint8Array[] = []
  readonly refusals: string[] = []
  readonly hasLearned = false
  stopsAfter = Infinity
  failsAfter = Infinity
  paid: BaseUnits = baseUnits(0n)

  async pay(due: BaseUnits): Promise<Uint8Array> {
    if (this.handedOut.length >= this.failsAfter) throw new InfernetError('payment.no-deposit')
    if (this.handedOut.length >= this.stopsAfter) return new Uint8Array()
    this.handedOut.push(due)
    this.paid = due
    return amountToBytes(due)
  }
  async catchUp(held: Uint8Array): Promise<void> {
    this.heldByOther.push(held)
  }
  async receipt(): Promise<Uint8Array> {
    return utf8('received')
  }
  async takeReceipt(receipt: Uint8Array): Promise<void> {
    this.receipts.push(receipt)
  }
  notAccepted(reason: ErrorCode): void {
    this.refusals.push(reason)
  }
}

class Till implements CreditVerifier {
  refuses: ErrorCode | undefined
  /** Resolves an open that is slow. */
  gate: Promise<void> = Promise.resolve()
  readonly opened: string[] = []
  readonly closed: bigint[] = []

  async open(): Promise<IncomingCredit> {
    this.opened.push('job')
    await this.gate
    if (this.refuses) throw new InfernetError(this.refuses)
    const closed = this.closed
    const self: IncomingCredit & { paid: BaseUnits } = {
      paid: baseUnits(0n),
      async take(credit) {
        self.paid = baseUnits(amountFromBytes(credit))
      },
      // The prompt is short: its chunk needs no prepayment.
      covers: (due, window) => due - maxOf(self.paid, 3n) <= BigInt(window) * OUTPUT_PRICE,
      countersign: async () => utf8('and agreed'),
      close: (due) => void closed.push(due),
    }
    return self
  }
  heldBeside(): Uint8Array {
    return utf8('more')
  }
}

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b)

describe('a paid job', () => {
  let provider: TestPeer
  let consumer: TestPeer
  let engine: FakeEngine
  let desk: QuoteDesk
  let till: Till
  let purse: Purse
  let service: JobService
  let outcomes: JobOutcome[]
  let clock: Clock
  let stream: Stream | undefined
  let nextJob = 1

  beforeEach(async () => {
    provider = await makePeer()
    consumer = await makePeer()
    till = new Till()
    purse = new Purse()
    outcomes = []
    engine = createFakeEngine({ clock: realClock, answerLength: 100 })
    desk = new QuoteDesk({
      key: provider.key,
      clock: realClock,
      random: realRandom,
      termsOf: () => ({
        price: pricePerToken(PROMPT_PRICE, OUTPUT_PRICE),
        queueMs: millis(0),
        prefillTokensPerSecond: 1,
        decodeTokensPerSecond: 1,
        contextLength: 1024,
        isDraining: false,
        payment,
      }),
    })
    serveBy(realClock)
  })

  /** Both sides keep their deadlines by it; the engine writes at its own speed. */
  const serveBy = (by: Clock): void => {
    clock = by
    service = new JobService({
      clock,
      key: provider.key,
      desk,
      servedOf: (asked) =>
        asked === engine.info.model
          ? { engine, slots: 1, queue: 0, isDraining: false, credit: till }
          : undefined,
      onEnd: (_, outcome) => outcomes.push(outcome),
    })
  }

  const newId = (): JobId => jobId((nextJob++).toString(16).padStart(32, '0'))

  const run = async (credit: OutgoingCredit | undefined, who = consumer): Promise<RunningJob> => {
    const { model } = engine.info
    const request = { type: 'quote', model, promptTokens: 3, maxTokens: 500 } as const
    const quoteSigned = await desk.quote(who.name, request)
    const job: Job = {
      jobId: newId(),
      provider: provider.name,
      prompt: {
        task: 'text-generation',
        model,
        promptTokens: [1, 5, 7],
        sampler: { temperature: 1, topP: 1 },
        maxTokens: 500,
        maxOutputPrice: undefined,
      },
      quote: await openQuote(quoteSigned, { provider: provider.name, consumer: who.name }),
      quoteSigned,
      priorTokens: [],
      consumerNonce: new Uint8Array(32),
      salt: new Uint8Array(16),
      seed: undefined,
    }
    const { ours, theirs, connection } = await connectedStreams(who)
    stream = ours
    void service.handle(theirs, connection)
    return new RunningJob(ours, job, { clock, credit })
  }

  const collect = async (running: RunningJob): Promise<number[]> => {
    const events: JobEvent[] = []
    for await (const event of running.events()) events.push(event)
    return events.flatMap((event) => (event.type === 'tokens' ? event.tokens : []))
  }

  it('says in the quote how it is paid, and pays each chunk as soon as it is signed', async () => {
    const running = await run(purse)
    expect(await collect(running)).toHaveLength(100)
    expect(purse.handedOut).toEqual([3n, 323n, 643n, 963n, 1003n])
    expect(running.paid).toBe(running.due)
    await expect.poll(() => outcomes).toEqual(['done'])
    expect(till.closed).toEqual([1003n])
    expect(purse.refusals).toEqual([])
  })

  it('ends with both names under the receipt', async () => {
    await collect(await run(purse))
    expect(purse.receipts).toEqual([utf8('and agreed')])
  })

  it.each([0, 2])('that is paid only %i times ends by name, one chunk later', async (stopsAfter) => {
    const patience = new FakeClock()
    serveBy(patience)
    purse.stopsAfter = stopsAfter
    const running = await run(purse)
    const ended = collect(running).then(
      () => undefined,
      (thrown: unknown) => InfernetError.from(thrown),
    )
    await expect.poll(() => running.received).toBe(32 * Math.max(1, stopsAfter))
    await patience.advance(CREDIT_DEADLINE_MS + SECOND_MS)
    expect(await ended).toMatchObject({ code: 'payment.unpaid' })
    expect(running.due - running.paid <= 32n * OUTPUT_PRICE + 3n).toBe(true)
    expect(running.received).toBe(32 * Math.max(1, stopsAfter))
    await expect.poll(() => outcomes).toEqual(['failed'])
    await expect.poll(() => engine.active).toBe(0)
  })

  it('is not begun without credit, or when the credit is refused', async () => {
    await expect(collect(await run(undefined))).rejects.toMatchObject({ code: 'payment.required' })
    till.refuses = 'payment.no-deposit'
    await expect(collect(await run(purse))).rejects.toMatchObject({ code: 'payment.no-deposit' })
    expect(purse.refusals).toEqual(['payment.no-deposit'])
    expect(engine.active).toBe(0)
    expect(purse.handedOut).toEqual([])
    expect(service.jobs).toEqual([])
  })

  it('whose credit is behind is told what the provider holds', async () => {
    till.refuses = 'payment.stale'
    await expect(collect(await run(purse))).rejects.toMatchObject({ code: 'payment.stale' })
    expect(purse.heldByOther).toEqual([utf8('more')])
  })

  it('that the consumer cannot pay any more ends there, and says that it was its own purse', async () => {
    purse.failsAfter = 2
    const running = await run(purse)
    await expect(collect(running)).rejects.toMatchObject({ code: 'payment.no-deposit' })
    expect(running.paymentFailure).toMatchObject({ code: 'payment.no-deposit' })
    await expect.poll(() => outcomes).toEqual(['cancelled'])
  })

  it('takes no place while its credit is looked at', async () => {
    let open = (): void => {}
    till.gate = new Promise((resolve) => (open = resolve))
    const slow = await run(purse)
    const slowTokens = collect(slow)
    await expect.poll(() => till.opened.length).toBe(1)
    expect(service.jobs).toEqual([])
    till.gate = Promise.resolve()
    const other = new Purse()
    expect(await collect(await run(other, await makePeer()))).toHaveLength(100)
    open()
    expect(await slowTokens).toHaveLength(100)
  })

  it('whose place was taken meanwhile is refused as busy, and owes nothing', async () => {
    let open = (): void => {}
    till.gate = new Promise((resolve) => (open = resolve))
    const first = collect(await run(purse))
    const second = collect(await run(new Purse(), await makePeer()))
    await expect.poll(() => till.opened.length).toBe(2)
    open()
    const results = await Promise.allSettled([first, second])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'stream.busy' },
    })
    await expect.poll(() => till.closed.toSorted()).toEqual([0n, 1003n].toSorted())
  })

  it('that is stopped pays for what was on its way, and no more to a provider that goes on', async () => {
    engine = createFakeEngine({ clock: realClock, answerLength: 480 })
    const running = await run(purse)
    const send = stream!.send.bind(stream)
    stream!.send = (data) => (isCancel(data.subarray()) ? true : send(data)) // it is never heard
    const controller = new AbortController()
    const written = (async () => {
      for await (const event of running.events({ signal: controller.signal }))
        if (event.type === 'tokens') controller.abort()
    })()
    await expect(written).rejects.toMatchObject({ code: 'stream.cancelled' })
    expect(purse.handedOut).toEqual([3n, 323n, 643n])
    expect(running.due).toBe(643n)
    await expect.poll(() => outcomes).toEqual(['cancelled'])
    expect(engine.active).toBe(0)
  })

  it('takes no more credit than there are chunks to pay', async () => {
    engine = createFakeEngine({ clock: realClock, answerLength: 100, tokensPerSecond: 20 })
    const running = await run(purse)
    const give = purse.pay.bind(purse)
    let isFlooding = false
    purse.pay = async (due) => {
      if (!isFlooding)
        for (let i = 0; i < 10; i++)
          stream?.send(framed({ type: 'ack', position: 0, credit: Uint8Array.of(1) }))
      isFlooding = true
      return give(due)
    }
    await expect(collect(running)).rejects.toMatchObject({ code: 'wire.unexpected' })
    await expect.poll(() => outcomes).toEqual(['failed'])
    await expect.poll(() => engine.active).toBe(0)
  })
})

function isCancel(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes('cancel')
}

function framed(message: unknown): Uint8Array {
  const body = encode(message)
  return Uint8Array.from([body.length, ...body])
}
