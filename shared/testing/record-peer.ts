import type { Stream } from '@libp2p/interface'
import { fromHex, toHex } from '../base/bytes.ts'
import { jobId } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { openQuote } from '../prompt/quote.ts'
import { leaveBody } from '../settle/claim-messages.ts'
import { signVoucher } from '../settle/voucher.ts'
import { JobService } from '../stream/job-service.ts'
import type { Job } from '../stream/job.ts'
import { RunningJob } from '../stream/run-job.ts'
import { encodeTranscripts } from '../stream/transcript.ts'
import { offerBody } from '../schedule/offer.ts'
import { baseUnits, tokens } from '../base/units.ts'
import { encode } from '../wire/codec.ts'
import { sign } from '../wire/signed.ts'
import { VERSIONS } from '../wire/versions.ts'
import { FakeChain } from './fake-chain.ts'
import { createFakeEngine } from './fake-engine.ts'
import { MemoryLedgerStore } from '../settle/ledger-store.ts'
import { ESCROW, operatorKey, PAYER, PAYMENT, purseOver, RELAY, sessionKey, tillOver } from './payments.ts'
import { connectedStreams, makePeer, someOffer } from './peers.ts'
import { pricePerToken } from './prices.ts'
import { realClock, realRandom } from './real-clock.ts'

/** What one peer of a version said, as hex of the bytes. A recording is kept for good: later versions must read it. */
export interface RecordedPeer {
  readonly protocol: Readonly<Record<string, number>>
  readonly provider: string
  readonly consumer: string
  readonly recordedAt: number
  /** One side of each protocol, in the order in which it was said. */
  readonly said: {
    readonly quoteRequest: string
    readonly quoteReply: string
    readonly consumerFrames: readonly string[]
    readonly providerFrames: readonly string[]
    readonly directoryRequests: readonly string[]
    readonly directoryReplies: readonly string[]
    readonly gossip: readonly string[]
    readonly leaveRequest: string
    readonly leaveReplies: readonly string[]
  }
  /** The file that proves the job. */
  readonly transcript: string
}

/** Plays a paid job of this version over the real two sides, and writes down what each says in it and around it. */
export async function recordPeer(): Promise<RecordedPeer> {
  const [provider, consumer] = [await makePeer(), await makePeer()]
  const engine = createFakeEngine({ clock: realClock, answerLength: 70 })
  const { model } = engine.info
  const chain = new FakeChain()
  chain.deposit(PAYER, 100_000_000n)
  chain.authorize(PAYER, sessionKey.address, 100_000_000n, realClock.now() + 3_600_000)
  const { till } = await tillOver(new MemoryLedgerStore(), chain)
  const terms = {
    ...{ price: pricePerToken(1n, 10n), queueMs: millis(0), contextLength: 1024, isDraining: false },
    ...{ prefillTokensPerSecond: 1000, decodeTokensPerSecond: 50, payment: PAYMENT },
  }
  const components = { key: provider.key, clock: realClock, random: realRandom }
  const desk = new QuoteDesk({ ...components, termsOf: () => terms })
  const served = { engine, slots: 4, queue: 8, isDraining: false, credit: till }
  const service = new JobService({ ...components, desk, servedOf: () => served })
  const request = { type: 'quote', model, promptTokens: 300, maxTokens: 100 } as const
  const quoteSigned = await desk.quote(consumer.name, request)
  const job: Job = {
    ...{ jobId: jobId('0b'.repeat(16)), provider: provider.name, quoteSigned, priorTokens: [] },
    ...{ consumerNonce: new Uint8Array(32).fill(3), salt: new Uint8Array(16).fill(9), seed: undefined },
    prompt: {
      ...{ task: 'text-generation', model, maxTokens: 100, maxOutputPrice: undefined },
      promptTokens: Array.from({ length: 300 }, (_, i) => 3 + (i % 200)),
      sampler: { temperature: 0.7, topP: 0.9, topK: 40, minP: 0.05, stop: [[5, 6]] },
    },
    quote: await openQuote(quoteSigned, { provider: provider.name, consumer: consumer.name }),
  }
  const { ours, theirs, connection } = await connectedStreams(consumer)
  const [consumerFrames, providerFrames] = [tap(ours), tap(theirs)]
  const { quote, prompt } = job
  const credit = await purseOver(new MemoryLedgerStore(), chain).open({
    ...{ jobId: job.jobId, consumer: consumer.name, quote, price: quote.price, from: 0 },
    ...{ prefillTokens: tokens(prompt.promptTokens.length), maxTokens: prompt.maxTokens },
  })
  const running = new RunningJob(ours, job, { clock: realClock, credit })
  const serving = service.handle(theirs, connection)
  for await (const _ of running.events());
  await serving
  const { transcript } = running
  if (!transcript) throw new Error('the job has no transcript')
  return {
    protocol: VERSIONS.protocol,
    provider: provider.name,
    consumer: consumer.name,
    recordedAt: realClock.now(),
    said: {
      quoteRequest: hexOf({ ...request, model: fromHex(model) }),
      quoteReply: hexOf({ type: 'quoted', quote: quoteSigned }),
      consumerFrames: [...consumerFrames, hexOf({ type: 'cancel' }), hexOf(BEAT)],
      providerFrames: [
        ...providerFrames,
        hexOf({ ...BEAT, echo: true }),
        hexOf({ type: 'failed', error: BUSY }),
      ],
      ...(await registered(provider)),
      ...(await left(model)),
    },
    transcript: toHex(encodeTranscripts([transcript])),
  }
}

const BEAT = { type: 'beat', beat: 7, echo: false }
const BUSY = { code: 'stream.busy', facts: { running: 1, waiting: 2 } }

type Said = RecordedPeer['said']

/** What goes between a peer and a directory, and from it to other relays. */
async function registered({
  key,
  name,
}: Awaited<ReturnType<typeof makePeer>>): Promise<
  Pick<Said, 'directoryRequests' | 'directoryReplies' | 'gossip'>
> {
  const offered = someOffer(realClock.now())
  const offer = await sign('offer', offerBody(offered), key)
  const model = fromHex(offered.model)
  const tombstone = await sign('drain', { model, sequence: 9, issuedAt: realClock.now() }, key)
  return {
    directoryRequests: [
      { type: 'announce', id: 1, offer },
      { type: 'query', id: 2, model, limit: 8 },
      { type: 'watch', id: 3, peers: [name] },
      { type: 'withdraw', id: 4, tombstone },
    ].map(hexOf),
    directoryReplies: [
      { type: 'done', id: 1, until: realClock.now() + 60_000 },
      { type: 'offers', id: 2, offers: [{ provider: name, offer }], total: 1 },
      { type: 'refused', id: 4, error: BUSY },
      { type: 'gone', peer: name },
    ].map(hexOf),
    gossip: [
      { type: 'offer', provider: name, signed: offer },
      { type: 'drain', provider: name, signed: tombstone },
    ].map(hexOf),
  }
}

async function left(model: Job['prompt']['model']): Promise<Pick<Said, 'leaveRequest' | 'leaveReplies'>> {
  const line = { payer: PAYER, provider: operatorKey.address, relay: RELAY, model, epoch: 0 }
  const voucher = await signVoucher(ESCROW, { ...line, cumulative: baseUnits(5n) }, sessionKey)
  const { escrow } = ESCROW
  return {
    leaveRequest: hexOf(
      leaveBody({ escrow, operator: operatorKey.address, binding: new Uint8Array(64) }, [voucher]),
    ),
    leaveReplies: [
      { type: 'kept', refused: [{ index: 0, error: BUSY }] },
      { type: 'refused', error: BUSY },
    ].map(hexOf),
  }
}

const hexOf = (message: unknown): string => toHex(encode(message))

/** Copies each frame that a stream sends, without its length. */
function tap(stream: Stream): string[] {
  const frames: string[] = []
  let open = new Uint8Array()
  const send = stream.send.bind(stream)
  stream.send = (bytes) => {
    const part = bytes instanceof Uint8Array ? bytes : bytes.subarray()
    open = Uint8Array.from([...open, ...part])
    for (;;) {
      const prefix = open.findIndex((byte) => byte < 0x80)
      if (prefix < 0) break
      const length = open.slice(0, prefix + 1).reduce((sum, byte, i) => sum + (byte & 0x7f) * 2 ** (7 * i), 0)
      if (open.length < prefix + 1 + length) break
      frames.push(toHex(open.slice(prefix + 1, prefix + 1 + length)))
      open = open.slice(prefix + 1 + length)
    }
    return send(bytes)
  }
  return frames
}
