import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { baseUnits, millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { PROMPT_PROTOCOL } from '../prompt/constants.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { createQuoteHandler } from '../prompt/quote-service.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { HedgeBudget } from '../schedule/policy/hedge.ts'
import { ProviderRecord } from '../schedule/record/provider-record.ts'
import { createChainSigner } from '../settle/chain-signature.ts'
import { MemoryLedgerStore } from '../settle/ledger-store.ts'
import { PayeeLedger } from '../settle/payee-ledger.ts'
import { PREPAID_PROMPT_TOKENS, STREAM_PROTOCOL } from '../stream/constants.ts'
import type { OutgoingCredit } from '../stream/credit.ts'
import { JobService } from '../stream/job-service.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine, FAKE_EOS } from '../testing/fake-engine.ts'
import { ESCROW, PAYER, PAYMENT, purseOver, sessionKey, tillOver } from '../testing/payments.ts'
import { connectedStreams, makePeer, signOffer, someOffer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realRandom } from '../testing/real-clock.ts'
import { SILENT_OPENING_MS } from '../wire/opening-places.ts'
import { ask } from './ask.ts'
import type { AnswerEvent } from './peer.ts'
import type { Payer } from './payer.ts'
import { RecentPeers } from './recent-peers.ts'

const PRICE = pricePerToken(1n, 10n)
const model = createFakeEngine({ clock: new FakeClock() }).info.model

interface ProviderInit {
  /** Of its engine; none: at once. */
  readonly tokensPerSecond?: number | undefined
  /** By its quote. */
  readonly queueMs: number
  readonly busySlots?: number
  readonly operator?: number | undefined
  readonly answerLength?: number | undefined
  /** It is gone when a job's stream is opened. */
  readonly isGone?: boolean
}

/** A provider behind streams in memory: the real desk and the real jobs over a fake engine. */
async function makeProvider(clock: FakeClock, chain: FakeChain, consumer: TestPeer, init: ProviderInit) {
  const peer = await makePeer()
  const engine = createFakeEngine({
    ...{ clock, tokensPerSecond: init.tokensPerSecond, answerLength: init.answerLength },
  })
  const signer = init.operator ? createChainSigner(new Uint8Array(32).fill(init.operator)) : undefined
  const payment = signer && { ...PAYMENT, operator: signer.address }
  const credit =
    signer &&
    (await tillOver(new MemoryLedgerStore(), chain, {
      ...{ clock, signer },
      ledger: await PayeeLedger.load(new MemoryLedgerStore(), ESCROW, signer.address),
    }))
  const terms = {
    ...{ price: PRICE, queueMs: millis(init.queueMs), contextLength: 1024, isDraining: false, payment },
    ...{ prefillTokensPerSecond: 1000, decodeTokensPerSecond: 1000 },
  }
  const components = { clock, key: peer.key, random: realRandom }
  const desk = new QuoteDesk({ ...components, termsOf: () => terms })
  const due: bigint[] = []
  /** Of each job's stream: how long until it said something, in ms. */
  const silences: number[] = []
  const jobs = new JobService({
    ...{ ...components, desk },
    servedOf: () => ({ engine, slots: 4, queue: 8, isDraining: false, credit: credit?.till }),
    onEnd: ({ job }) => due.push(job.due),
  })
  const handlers: Record<string, (stream: Stream, connection: Connection) => Promise<void>> = {
    [PROMPT_PROTOCOL]: createQuoteHandler({ clock, desk }),
    [STREAM_PROTOCOL]: jobs.handle,
  }
  const connection = {
    ...{ status: 'open', remotePeer: peerIdFromPrivateKey(peer.key), limits: undefined },
    remoteAddr: multiaddr(`/ip4/127.0.0.1/tcp/1/ws/p2p/${peer.name}`),
    newStream: async (protocol: string) => {
      if (init.isGone && protocol === STREAM_PROTOCOL) throw new Error('gone')
      const { ours, theirs, connection: back } = await connectedStreams(consumer)
      const openedAt = clock.monotonic()
      const note = (): void =>
        void (protocol === STREAM_PROTOCOL && silences.push(clock.monotonic() - openedAt))
      theirs.addEventListener('message', note, { once: true })
      void handlers[protocol]?.(theirs, back)
      return ours
    },
    abort: () => undefined,
  } as unknown as Connection
  const offer = () =>
    signOffer(
      peer,
      someOffer(clock.now(), {
        ...{ model, price: PRICE, slots: 4, busySlots: init.busySlots ?? 0 },
        ...(payment && { payment: ESCROW }),
      }),
    )
  return { peer, engine, jobs, connection, offer, due, silences }
}

async function scene(inits: readonly ProviderInit[], { isPaid = false, saved = 0xff, creditMs = 0 } = {}) {
  const clock = new FakeClock()
  const chain = new FakeChain()
  chain.deposit(PAYER, 100_000_000n)
  chain.authorize(PAYER, sessionKey.address, 100_000_000n, clock.now() + 3_600_000)
  const consumer = await makePeer()
  const all = await Promise.all(
    inits.map((init, i) =>
      makeProvider(clock, chain, consumer, { ...init, operator: isPaid ? 20 + i : undefined }),
    ),
  )
  const [first, second] = all
  if (!first || !second) throw new Error('there are two')
  const purse = purseOver(new MemoryLedgerStore(), chain, { clock })
  const opened: OutgoingCredit[] = []
  const payer: Payer = {
    checkOffer: () => undefined,
    checkQuote: async () => undefined, // whose address it is, is not looked at here
    open: async (terms, options) => {
      if (creditMs > 0) await sleep(clock, millis(creditMs))
      const credit = await purse.open(terms, options)
      opened.push(credit)
      return credit
    },
  }
  const directory = {
    relay: first.peer.name,
    query: async () => ({ offers: await Promise.all(all.map(({ offer }) => offer())), total: all.length }),
    watch: () => () => undefined,
  } as unknown as DirectoryPort
  const record = new ProviderRecord({ clock })
  const components = {
    ...{ clock, random: realRandom, name: consumer.name, payer: isPaid ? payer : undefined },
    node: {
      dial: () => Promise.reject(new Error('all are connected')),
      getConnections: (of?: { toString(): string }) =>
        all.filter(({ peer }) => peer.name === of?.toString()).map(({ connection }) => connection),
    },
    record: record.of('text-generation'),
    // By its chance it has one hedge for the first question, or none.
    hedges: new HedgeBudget({ bytes: (length: number) => new Uint8Array(length).fill(saved) }),
    offers: new OfferMemory(),
    directFailures: new RecentPeers(clock, millis(60_000)),
    unreachable: new RecentPeers(clock, millis(60_000)),
    slowRelays: new RecentPeers(clock, millis(60_000)),
    directories: () => [directory],
  }
  const question = (changes: Partial<Prompt> = {}) => {
    const stop = new AbortController()
    const events: AnswerEvent[] = []
    const prompt: Prompt = {
      ...{
        task: 'text-generation',
        model,
        promptTokens: [5, 6, 7],
        maxTokens: 64,
        maxOutputPrice: undefined,
      },
      ...{ sampler: { temperature: 1, topP: 1 }, eosTokens: [FAKE_EOS] },
      ...changes,
    }
    const isOver = (async () => {
      const options = { signal: stop.signal, except: new Set<never>() }
      for await (const event of ask(components, prompt, options)) events.push(event)
    })()
    const ended = isOver.then(
      () => true,
      () => true,
    )
    return { events, stop, ended, of: <T extends AnswerEvent['type']>(type: T) => ofType(events, type) }
  }
  /** Lets time pass in small steps until it is so; gives how long that took. */
  const until = async (isSo: () => boolean, limitMs = 30_000, stepMs = 50): Promise<number> => {
    const from = clock.monotonic()
    while (!isSo() && clock.monotonic() - from < limitMs) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      await clock.advance(stepMs)
    }
    return clock.monotonic() - from
  }
  return { clock, first, second, all, record, question, until, opened }
}

function ofType<T extends AnswerEvent['type']>(
  events: readonly AnswerEvent[],
  type: T,
): Extract<AnswerEvent, { type: T }>[] {
  return events.filter((event): event is Extract<AnswerEvent, { type: T }> => event.type === type)
}

const SLOW = 0.02

describe.concurrent('a question that is paid for over a slow chain', () => {
  it('says its first word as soon as its stream is open', async () => {
    const inits = [{ queueMs: 0 }, { queueMs: 500 }]
    const { all, question, until } = await scene(inits, { isPaid: true, creditMs: 3000 })
    const asked = question()
    await until(() => asked.of('done').length > 0)
    expect(asked.of('done')).toHaveLength(1)
    const silences = all.flatMap((each) => each.silences)
    expect(silences.length).toBeGreaterThan(0)
    expect(Math.max(...silences)).toBeLessThan(SILENT_OPENING_MS / 2)
  })

  it('keeps what it prepaid to one whose stream does not open', async () => {
    const inits = [{ queueMs: 0, isGone: true }, { queueMs: 500 }]
    const { question, until, opened, second } = await scene(inits, { isPaid: true })
    const asked = question({ promptTokens: Array<number>(PREPAID_PROMPT_TOKENS + 1).fill(5) })
    await until(() => asked.of('done').length > 0)
    const [summary] = asked.of('done').map((event) => event.summary)
    expect(summary?.segments.map(({ provider }) => provider)).toEqual([second.peer.name])
    expect(opened).toHaveLength(2)
    expect(opened.map(({ paid }) => paid > 0n)).toEqual([false, true])
  })
})
const isRunning = ({ jobs }: { jobs: JobService }) => jobs.jobs.length > 0

describe.concurrent('a provider that does not begin', () => {
  it.each([
    ['3 s', [0, 500], 3000, 0.5],
    ['the 95th percentile of what was predicted', [2500, 4000], 5000, 1],
  ] as const)(
    'has another one asked besides after %s, which writes the answer',
    async (_, queue, waitMs, kept) => {
      const { first, second, question, until, record } = await scene([
        { queueMs: queue[0], tokensPerSecond: SLOW },
        { queueMs: queue[1] },
      ])
      const asked = question()
      await until(() => isRunning(first))
      const waited = await until(() => isRunning(second) || second.due.length > 0)
      expect(waited).toBeGreaterThanOrEqual(waitMs - 100)
      expect(waited).toBeLessThan(waitMs + 500)
      await until(() => asked.of('done').length > 0)
      const [summary] = asked.of('done').map((event) => event.summary)
      expect(summary?.segments.map(({ provider }) => provider)).toEqual([second.peer.name])
      expect(summary?.outputTokens).toBe(40)
      // One stream of draws, whoever goes on with it.
      const [one, other] = asked.of('assigned')
      expect([one?.segment.provider, other?.segment.provider]).toEqual([first.peer.name, second.peer.name])
      expect(other?.seed).toEqual(one?.seed)
      await until(() => !isRunning(first) && first.engine.active === 0)
      expect([isRunning(first), first.engine.active], 'it was told to stop').toEqual([false, 0])
      const { quotes, presence } = record.of('text-generation').beliefsIn(first.peer.name)
      expect(quotes).toBeLessThan(0.9)
      expect(presence, 'three times what it said is a failure, less is not').toBe(kept)
    },
  )

  it.each([
    ['three times what it said where the budget is spent', { queueMs: 2500 }, {}, 7500],
    ['three times what it said where the places are busy', { queueMs: 2500, busySlots: 4 }, {}, 7500],
    [
      '10 s where its prompt is paid already',
      {},
      { promptTokens: Array.from({ length: 600 }, () => 5) },
      10_000,
    ],
    ['ever where both together could cost too much', {}, { maxCost: 700n }, 60_000],
  ] as const)('is waited for alone for %s', async (why, init, changes, waitMs) => {
    const { first, second, question, until } = await scene(
      [
        { queueMs: 0, tokensPerSecond: SLOW / 100, ...init },
        { queueMs: 500, ...init, ...('queueMs' in init && { queueMs: init.queueMs + 500 }) },
      ],
      { isPaid: !('queueMs' in init), saved: why.includes('budget') ? 0 : 0xff },
    )
    const asked = question(changes as Partial<Prompt>)
    await until(() => isRunning(first))
    expect(isRunning(first)).toBe(true)
    const stepMs = waitMs < 60_000 ? 50 : 500
    const waited = await until(() => isRunning(second) || second.due.length > 0, 60_000, stepMs)
    expect(waited).toBeGreaterThanOrEqual(waitMs - 100)
    if (waitMs < 60_000) expect(waited).toBeLessThan(waitMs + 500)
    asked.stop.abort()
    await until(() => !isRunning(first))
    await asked.ended
  })

  it('is followed by the next one, and that by the next, with two at work at most', async () => {
    const never = { queueMs: 0, tokensPerSecond: SLOW }
    const { all, question, until, record } = await scene([never, never, never, { queueMs: 900 }])
    const asked = question()
    let most = 0
    const took = await until(() => {
      most = Math.max(most, all.filter(isRunning).length)
      return asked.of('done').length > 0
    })
    expect(asked.of('done')[0]?.summary.segments.map(({ provider }) => provider)).toEqual([all[3]!.peer.name])
    expect(took).toBeLessThan(9500)
    expect(most).toBeLessThanOrEqual(3) // the eldest is told to stop, and hears it a moment later
    await until(() => !all.some(isRunning))
    const trust = record.of('text-generation')
    const presences = all.map(({ peer }) => trust.beliefsIn(peer.name).presence)
    expect(presences.map((presence) => presence < 0.6)).toEqual([true, true, true, false])
  })

  it('is lost after all, and the next one is quoted anew: a quote that grew old is nobody’s failure', async () => {
    const { first, second, question, until, record } = await scene(
      [{ queueMs: 0, tokensPerSecond: SLOW / 100 }, { queueMs: 500 }],
      { isPaid: true },
    )
    const asked = question({ maxCost: baseUnits(700n) }) // so dear that nobody is asked beside
    const took = await until(() => asked.of('done').length > 0, 120_000, 500)
    expect(took).toBeGreaterThan(80_000)
    expect(asked.of('done')[0]?.summary.segments.map(({ provider }) => provider)).toEqual([second.peer.name])
    expect(record.of('text-generation').beliefsIn(second.peer.name).presence).toBe(1)
    await until(() => !isRunning(first))
  })
})

describe.concurrent('two providers of one paid answer', () => {
  it('are paid once, where the slower one has signed nothing', async () => {
    const { first, second, question, until } = await scene(
      [{ queueMs: 0, tokensPerSecond: SLOW }, { queueMs: 500 }],
      { isPaid: true },
    )
    const asked = question()
    await until(() => asked.of('done').length > 0)
    const [summary] = asked.of('done').map((event) => event.summary)
    expect(summary?.due).toBe(3n + 40n * 10n)
    expect(summary?.paid).toBe(summary?.due)
    await until(() => first.due.length > 0)
    expect([first.due, second.due]).toEqual([[0n], [403n]])
    expect(asked.of('ended')).toEqual([])
  })

  it.each([1, 4])(
    'that begin %d tokens at the same moment are paid what each signed, and nothing else',
    async (length) => {
      // Both write their first token four seconds after the first one was asked.
      const { first, second, question, until } = await scene(
        [
          { queueMs: 0, tokensPerSecond: 0.25, answerLength: length },
          { queueMs: 500, tokensPerSecond: 1, answerLength: length },
        ],
        { isPaid: true },
      )
      const asked = question()
      await until(() => asked.of('done').length > 0, 200_000)
      await until(() => !isRunning(first) && !isRunning(second))
      const [summary] = asked.of('done').map((event) => event.summary)
      expect(summary?.outputTokens).toBe(length)
      const signed = [...first.due, ...second.due].reduce((sum, due) => sum + due, 0n)
      expect(summary?.due).toBe(signed)
      expect(summary?.paid).toBe(signed)
    },
  )
})
