import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jobId, peerName } from '#shared/base/ids.ts'
import { createEngine } from '#shared/engine/create-engine.ts'
import type { Engine, EngineInfo, GenerateRequest } from '#shared/engine/engine.ts'
import { SKETCH_SIZE } from '#shared/engine/score/sketch.ts'
import type { CheckBy, CheckEvent, CheckReport } from '#shared/peer/check-events.ts'
import type { Peer } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import { SKETCH_BYTES, type SketchOpening } from '#shared/stream/sketch-tree.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel, wasmComponents, type TinyModel } from '#shared/testing/tiny-model.ts'
import { envelopeFor } from '#shared/verify/calibration/envelope-for.ts'
import { envelopeHash } from '#shared/verify/calibration/envelope.ts'
import { bindOwnSketches } from '#shared/verify/check/own-sketches.ts'
import { MIN_TOKENS } from '#shared/verify/check/judge.ts'
import { decodeEvidence, encodeEvidence } from '#shared/verify/evidence/evidence.ts'
import { verifyEvidence } from '#shared/verify/evidence/verify-evidence.ts'
import { OPENINGS_PROTOCOL } from '#shared/verify/openings/constants.ts'
import { openingsRequestSchema } from '#shared/verify/openings/messages.ts'
import { signOpened, statementBytes } from '#shared/verify/openings/statement.ts'
import { decodeCase } from '#shared/verify/service/check-case.ts'
import { CHECK_RATE, MAX_CHECK_FRAME_BYTES, VERIFY_PROTOCOL } from '#shared/verify/service/constants.ts'
import { marginBytes } from '#shared/verify/service/margin-bytes.ts'
import { askerFrameSchema } from '#shared/verify/service/messages.ts'
import { sketchBytes } from '#shared/verify/statistics/sketch-distance.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import { FramedStream } from '#shared/wire/framed-stream.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { hear, OWN_SOCKET, promptOf, TERMS, TestNetwork, type TestPeerNode } from './test-network.ts'

const PEER: CheckBy = { by: 'peer', profile: 'fp32' }
/** What no claim is believed beyond. */
const FAST = { prefillTokensPerSecond: 1e6, decodeTokensPerSecond: 1e6 }
/** So that a verifier is asked after the others: the quote that promises most comes first. */
const SLOW = { prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }

/** An engine that says something else of itself, or draws with another seed than was agreed on. */
function otherwise(
  engine: Engine,
  { info = {}, seed }: { info?: Partial<EngineInfo>; seed?: Uint8Array },
): Engine {
  const generate: Engine['generate'] = (request, options) =>
    engine.generate(seed ? { ...request, seed } : request, options)
  const changed = Object.create(engine) as Engine
  return Object.assign(changed, {
    generate,
    score: engine.score.bind(engine),
    info: { ...engine.info, ...info },
  })
}

async function check(peer: Peer, transcript: Transcript, by: CheckBy = PEER) {
  const events: CheckEvent[] = []
  let report: CheckReport | undefined
  for await (const event of peer.check(transcript, by)) {
    events.push(event)
    if (event.type === 'done') report = event.report
  }
  if (!report) throw new Error('no report came')
  const passedOver = events.flatMap((event) => (event.type === 'passed-over' ? [event] : []))
  return { events, report, passedOver }
}

describe('an answer of the real model that is checked', { timeout: 60_000 }, () => {
  let model: TinyModel
  let writer: Engine
  let reader: Engine
  let prompt: Prompt
  let network: TestNetwork
  let relay: Relay

  beforeAll(async () => {
    model = await readTinyModel('fp32')
    const components = await wasmComponents(model.files)
    writer = await createEngine(components, { manifest: model.manifest })
    reader = await createEngine(components, { manifest: model.manifest })
    const question = [{ role: 'user' as const, content: 'Tell me a story about a fox and a lantern.' }]
    prompt = promptOf({
      ...{ model: writer.info.model, promptTokens: model.tokenizer.encodeChat(question) },
      ...{ eosTokens: [], maxTokens: 64, sampler: { temperature: 1, topP: 1, logitBias: unending() } },
    })
    return async () => {
      await writer.close()
      await reader.close()
    }
  }, 120_000)
  beforeEach(async () => {
    network = new TestNetwork()
    relay = await network.relay()
  })
  afterEach(() => network[Symbol.asyncDispose]())

  /** Keeps the model from ending, so that there is enough to check. */
  const unending = (): [number, number][] => [...model.tokenizer.eosTokens].map((token) => [token, -100])
  const provider = async (engine: Engine): Promise<TestPeerNode & { end(): Promise<void> }> => {
    const node = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = node.peer.provide(engine, TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { ...node, end: () => provision.stop() }
  }
  const asker = (): Promise<TestPeerNode> => network.node({ relays: relay.addresses })
  const proofsOf = async (peer: Peer, asked = prompt, onEvent?: Parameters<typeof hear>[2]) =>
    (await hear(peer, asked, onEvent)).events.flatMap((event) =>
      event.type === 'proof' ? [event.transcript] : [],
    )
  const answered = async (peer: Peer): Promise<Transcript> => {
    const [transcript] = await proofsOf(peer)
    if (!transcript) throw new Error('nothing proves the answer')
    return transcript
  }

  it('is read by no verifier that this consumer’s own engine contradicts: last after one such verdict, never after two', async () => {
    const written = await provider(writer)
    const record = new ProviderRecord({ clock: realClock })
    const { peer } = await network.node({ relays: relay.addresses, record })
    const transcript = await answered(peer)
    await written.end()
    const [liar, other] = [await provider(otherwise(reader, { info: FAST })), await provider(reader)]
    const nameOf = ({ node }: TestPeerNode) => peerName(node.peerId.toString())
    const liarName = nameOf(liar)
    for (const digit of ['1', '2']) {
      record.contradicted(liarName, jobId(digit.repeat(32)))
      expect((await check(peer, transcript)).report.verifier).toBe(nameOf(other))
    }
    await other.end()
    await until('the other one is gone', async () => {
      const { offers } = await peer.look()
      return offers.every(({ offer }) => offer.provider === liarName)
    })
    await expect(check(peer, transcript)).rejects.toMatchObject({ code: 'schedule.none-trusted' })
  })

  it('agrees, by another peer and by an engine of one’s own, and leaves a file that proves it', async () => {
    const [wrote, { peer }] = [await provider(writer), await asker()]
    const transcript = await answered(peer)
    const reads = await provider(reader)
    const { report, events } = await check(peer, transcript)
    expect(report).toMatchObject({
      ...{ by: 'peer', provider: wrote.peer.name, verifier: reads.peer.name, shown: 'opened', cost: 0n },
      verdict: {
        outcome: 'agrees',
        findings: { tokens: 64, opened: 64 },
        class: { backend: 'wasm', adapter: 'cpu' },
      },
    })
    const tools = { envelopeOf: () => envelopeFor('fp32'), engineOf: async () => reader }
    const proof = await verifyEvidence(report.evidence, tools)
    expect(proof).toMatchObject({ isConfirmed: true, verdict: { outcome: 'agrees' } })
    expect(events.map(({ type }) => type)).toEqual(['searching', 'asked', 'reading', 'opening', 'done'])
    const own = await check(peer, transcript, { by: 'self', engine: reader })
    expect(own.report).toMatchObject({ by: 'self', verifier: peer.name, verdict: { outcome: 'agrees' } })
  })

  it('differs where it was drawn with another seed', async () => {
    const seed = new Uint8Array(32).fill(9)
    await provider(otherwise(writer, { seed }))
    const { peer } = await asker()
    const transcript = await answered(peer)
    await provider(reader)
    const { report } = await check(peer, transcript)
    expect(report.verdict).toMatchObject({ outcome: 'differs', difference: 'tokens' })
    const own = await check(peer, transcript, { by: 'self', engine: reader })
    expect(own.report.verdict).toMatchObject({ outcome: 'differs', difference: 'tokens' })
  })

  it('is checked by the next one where a verifier stalls, is busy, lies or speaks no such protocol', async () => {
    await provider(writer)
    const { peer } = await asker()
    const transcript = await answered(peer)
    const stalls = await provider(reader)
    const lies = await provider(reader)
    const older = await provider(reader)
    await stalls.node.handle(VERIFY_PROTOCOL, stall, { force: true })
    await lies.node.handle(VERIFY_PROTOCOL, alwaysAgrees(lies), { force: true })
    await older.node.unhandle(VERIFY_PROTOCOL)
    const reads = await provider(otherwise(reader, { info: SLOW }))
    const { report, passedOver } = await check(peer, transcript)
    expect(report).toMatchObject({ verifier: reads.peer.name, verdict: { outcome: 'agrees' } })
    expect(new Map(passedOver.map(({ verifier, reason }) => [verifier, reason.code]))).toEqual(
      new Map([
        [stalls.peer.name, 'wire.timeout'],
        [lies.peer.name, 'verify.bad-verdict'],
        [older.peer.name, 'wire.other-version'],
      ]),
    )
  })

  it('is inconclusive where its provider opens nothing, or is gone', async () => {
    const wrote = await provider(writer)
    const { peer } = await asker()
    const transcript = await answered(peer)
    await provider(reader)
    await wrote.node.unhandle(OPENINGS_PROTOCOL)
    const withheld = { shown: 'withheld', verdict: { outcome: 'inconclusive', reason: 'withheld' } }
    expect((await check(peer, transcript)).report).toMatchObject(withheld)
    await wrote.stop()
    expect((await check(peer, transcript)).report).toMatchObject(withheld)
  })

  it.each<[string, Forger]>([
    ['what it did not sign', (openings) => openings.map(otherSketch)],
    ['less than it was asked for', (openings) => openings.slice(1)],
  ])(
    'differs where its provider puts its name to %s, by itself and by a peer alike, with a file that proves it',
    async (_, forged) => {
      const wrote = await provider(writer)
      const { peer } = await asker()
      const transcript = await answered(peer)
      await provider(reader)
      await forge(wrote, forged)
      const tools = { envelopeOf: () => envelopeFor('fp32'), engineOf: async () => reader }
      for (const by of [{ by: 'self', engine: reader }, PEER] as const) {
        const { report } = await check(peer, transcript, by)
        const found = { outcome: 'differs', difference: 'openings' }
        expect(report).toMatchObject({ by: by.by, shown: 'forged', verdict: found })
        const proof = await verifyEvidence(report.evidence, tools)
        expect(proof).toMatchObject({ isConfirmed: true, verdict: found, own: found })
        // Without the provider's own word nobody is to believe it.
        const { forgery, ...rest } = decodeEvidence(report.evidence)
        expect(forgery?.positions).toHaveLength(64)
        await expect(verifyEvidence(encodeEvidence(rest), tools)).rejects.toMatchObject({
          code: 'verify.bad-evidence',
        })
      }
    },
  )

  it('is inconclusive where it opens something wrong and puts no name to it: nobody can be shown that', async () => {
    const wrote = await provider(writer)
    const { peer } = await asker()
    const transcript = await answered(peer)
    await provider(reader)
    await forge(wrote, (openings) => openings.map(otherSketch), { isSigned: false })
    for (const by of [{ by: 'self', engine: reader }, PEER] as const)
      expect((await check(peer, transcript, by)).report).toMatchObject({
        ...{ shown: 'withheld', verdict: { outcome: 'inconclusive', reason: 'withheld' } },
      })
  })

  it.each<[string, (usual: Prompt) => Partial<Prompt>]>([
    ['greedily', ({ sampler }) => ({ sampler: { ...sampler, temperature: 0 } })],
    [
      'with penalties and filters',
      ({ sampler }) => ({
        sampler: {
          ...{ ...sampler, temperature: 0.8, topP: 0.9, topK: 40, minP: 0.02 },
          ...{ repetitionPenalty: 1.1, presencePenalty: 0.2, frequencyPenalty: 0.1 },
        },
      }),
    ],
    ['in a form', () => ({ sampler: { temperature: 1, topP: 1, grammar: { kind: 'json' } } })],
    [
      'to the end of the context',
      ({ promptTokens }) => ({
        promptTokens: Array.from({ length: 960 }, (_, i) => promptTokens[i % promptTokens.length] ?? 0),
      }),
    ],
  ])('agrees with what was written %s', async (_, changes) => {
    await provider(writer)
    const { peer } = await asker()
    const [transcript] = await proofsOf(peer, { ...prompt, ...changes(prompt) })
    await provider(reader)
    const { report } = await check(peer, transcript!)
    const { tokens, margins, opened } = report.verdict.findings
    expect(margins).toEqual([tokens, 0, 0, 0])
    expect(opened).toBe(tokens)
    expect(report.verdict.outcome).toBe(tokens < MIN_TOKENS ? 'inconclusive' : 'agrees')
  })

  it('has each part judged by itself that another provider wrote, with prompt and part before it', async () => {
    const seed = new Uint8Array(32).fill(9)
    const providers = [
      await provider(slowly(writer)),
      await provider(slowly(otherwise(writer, { seed }))),
      await provider(slowly(writer)),
    ]
    const { peer } = await asker()
    const ended = new Set<string>()
    const long = { ...prompt, maxTokens: 150 }
    const proofs = await proofsOf(peer, long, {
      onEvent: async (event, count) => {
        if (event.type !== 'chunk' || count < 40 * (ended.size + 1) || ended.size === 2) return
        const { provider: name } = event.segment
        if (ended.has(name)) return
        ended.add(name)
        await providers.find((each) => each.peer.name === name)?.end()
      },
    })
    expect(proofs.map(({ provider: name }) => name).length).toBe(3)
    await provider(reader)
    const cheat = providers[1]!.peer.name
    for (const transcript of proofs) {
      const { report } = await check(peer, transcript)
      expect(report.verdict.outcome).toBe(transcript.provider === cheat ? 'differs' : 'agrees')
      expect(report.verdict.findings.tokens).toBeGreaterThanOrEqual(32)
    }
  })

  it('has nobody to check it where only its provider holds the model', async () => {
    await provider(writer)
    const { peer } = await asker()
    const transcript = await answered(peer)
    await expect(check(peer, transcript)).rejects.toMatchObject({ code: 'verify.no-verifier' })
  })

  it('is read a few times for one who asks again and again, who is told why', async () => {
    await provider(writer)
    const { peer } = await asker()
    const transcript = await answered(peer)
    let read = 0
    const counted = Object.assign(otherwise(reader, {}), {
      score: (...args: Parameters<Engine['score']>) => {
        read++
        return reader.score(...args)
      },
    })
    await provider(counted)
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 60; i++) {
      const outcome = await check(peer, transcript).then(
        ({ report }) => report.verdict.outcome as string,
        ({ code }: { code: string }) => code,
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThanOrEqual(CHECK_RATE.burst + 10)
    for (const outcome of outcomes.keys())
      expect(['agrees', 'verify.rate-limited', 'prompt.quote-limit']).toContain(outcome)
  })
})

/** Takes its time, so that a test can end it between two tokens. */
function slowly(engine: Engine): Engine {
  async function* generate(request: GenerateRequest, options?: { signal?: AbortSignal | undefined }) {
    for await (const batch of engine.generate(request, options)) {
      yield batch
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return Object.assign(otherwise(engine, {}), { generate })
}

/** Says that it lives, and nothing more. */
async function stall(stream: Stream): Promise<void> {
  const frames = new FramedStream(stream, askerFrameSchema, realClock, {
    maxFrameBytes: MAX_CHECK_FRAME_BYTES,
  })
  await frames.receive()
  await frames.send({ type: 'waiting', before: 0 })
}

type Forger = (openings: readonly SketchOpening[]) => readonly SketchOpening[]

/** The opening with another sketch in it. */
function otherSketch(opening: SketchOpening): SketchOpening {
  const leaves = opening.leaves.map((leaf) => ({ ...leaf, sketch: new Uint8Array(SKETCH_BYTES) }))
  return { ...opening, leaves }
}

/** Takes the place of what an honest provider opens: asks it, changes what it says, and signs that in its name. */
async function forge(
  { node, key, openings: keeper }: TestPeerNode,
  change: Forger,
  { isSigned = true } = {},
): Promise<void> {
  await node.handle(
    OPENINGS_PROTOCOL,
    async (stream: Stream) => {
      const frames = new FramedStream(stream, openingsRequestSchema, realClock)
      const { link, key: shown, positions } = await frames.receive()
      const openings = change(await keeper.open({ link, key: shown, positions }))
      for (const opening of openings) await frames.send({ type: 'opening', opening })
      const statement = statementBytes(await signOpened({ link, positions, openings }, key))
      await frames.send({ type: 'done', ...(isSigned && { optional: { statement } }) })
      await frames.close()
    },
    { force: true },
  )
}

/** A verifier that reads nothing. */
function alwaysAgrees({ key }: TestPeerNode) {
  return async (stream: Stream, _: Connection): Promise<void> => {
    const frames = new FramedStream(stream, askerFrameSchema, realClock, {
      maxFrameBytes: MAX_CHECK_FRAME_BYTES,
    })
    const frame = await frames.receive()
    if (frame.type !== 'check') return
    const { proven, model } = await decodeCase(frame.transcript)
    const count = proven.tokens.length
    const own = new Uint16Array(count * SKETCH_SIZE)
    const salt = new Uint8Array(32)
    const commitment = bindOwnSketches(own, salt)
    await frames.send({ type: 'committed', commitment })
    await frames.receive()
    const { jobId, provider, head } = proven
    const verdict = await signVerdict(
      {
        ...{ jobId, provider, head, model, commitment, outcome: 'agrees', reason: undefined },
        ...{ difference: undefined, envelope: envelopeHash(envelopeFor('fp32')), at: realClock.now() },
        findings: {
          ...{ tokens: count, margins: [count, 0, 0, 0], largestMargin: 0, meanMargin: 0 },
          ...{ opened: count, sketchDistance: 0, largestSketchDistance: 0 },
        },
        ...{ class: { backend: 'wasm', adapter: 'cpu', build: 'none' }, cost: 0n as never },
      },
      key,
    )
    const margins = marginBytes(Array.from({ length: count }, () => 0))
    await frames.send({ type: 'verdict', verdict, own: sketchBytes(own), margins, salt })
  }
}
