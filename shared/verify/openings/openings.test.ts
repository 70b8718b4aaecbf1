import type { Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jobId } from '../../base/ids.ts'
import { millis, tokens } from '../../base/units.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { ChunkSigner } from '../../stream/chunk.ts'
import { firstLink, hashAgreed, type Agreed } from '../../stream/first-link.ts'
import { encodeQuestion } from '../../stream/question.ts'
import type { SketchOpening } from '../../stream/sketch-tree.ts'
import { transcriptOf, verifyTranscript, type Proven, type Transcript } from '../../stream/transcript.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { connectedStreams, countingRandom, makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { pricePerToken } from '../../testing/prices.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import {
  JOB_OPENINGS_RATE,
  MAX_ASKED_POSITIONS,
  OPENINGS_PLACES,
  OPENINGS_DEADLINE_MS,
  OPENINGS_RATE,
  REQUEST_COST_POSITIONS,
} from './constants.ts'
import { openingsReplySchema, openingsRequestSchema } from './messages.ts'
import { OpeningKeeper } from './opening-keeper.ts'
import { openingKey } from './opening-key.ts'
import { OpeningsService } from './openings-service.ts'
import { committedPositions, readOpenings } from './read-openings.ts'
import { requestOpenings, type AskedJob } from './request-openings.ts'
import { signOpened, statementBytes, type Opened } from './statement.ts'

const COUNT = 70
const JOB = jobId('ab'.repeat(16))
const sketches = Uint16Array.from({ length: COUNT * SKETCH_SIZE }, (_, i) => i * 3)

describe('openings', () => {
  let provider: TestPeer
  let asker: TestPeer
  let transcript: Transcript
  let proven: Proven
  let bare: { transcript: Transcript; proven: Proven }
  let clock: FakeClock
  let keeper: OpeningKeeper
  let service: OpeningsService

  const secret = new Uint8Array(32).fill(8)
  const question = encodeQuestion({
    ...{ task: 'text-generation', model: someModel(), promptTokens: [5, 6], priorTokens: [1, 2, 3] },
    ...{ sampler: { temperature: 1, topP: 1 }, maxTokens: 100, seed: null },
    ...{ consumerNonce: new Uint8Array(32), salt: new Uint8Array(16) },
  })
  const agreed: Agreed = {
    quote: new Uint8Array(),
    question,
    credit: new Uint8Array(),
    accepted: new Uint8Array(),
  }
  const { quote: _q, accepted: _a, ...shown } = agreed
  const link = firstLink(JOB, hashAgreed(agreed))

  const prove = async (withSketches: boolean): Promise<{ transcript: Transcript; proven: Proven }> => {
    const terms = { jobId: JOB, price: pricePerToken(0n, 0n), prefillTokens: tokens(5), from: 3 }
    const signer = new ChunkSigner(terms, hashAgreed(agreed), provider.key, secret)
    const written = Array.from({ length: COUNT }, (_, i) => 9 + i)
    const chunks = await signer.add(written, withSketches ? sketches : undefined)
    chunks.push(...(await signer.finish()))
    const receipt = { consumer: new Uint8Array(), provider: new Uint8Array() }
    const whole = { ...transcriptOf({ jobId: JOB, provider: provider.name }, agreed, chunks, receipt), shown }
    return { transcript: whole, proven: await verifyTranscript(whole) }
  }

  beforeAll(async () => {
    provider = await makePeer()
    asker = await makePeer()
    ;({ transcript, proven } = await prove(true))
    bare = await prove(false)
  })

  beforeEach(() => {
    clock = new FakeClock()
    keeper = new OpeningKeeper({ clock, random: countingRandom() })
    keeper.keep({ jobId: JOB, link, question, from: 3, secret, sketches })
    service = new OpeningsService({ clock, keeper, key: provider.key })
  })

  const all = (): readonly number[] => committedPositions(proven)
  const ask = async (
    serve: (stream: Stream) => Promise<void>,
    job: Partial<AskedJob> = {},
    signal?: AbortSignal,
  ) => {
    const { ours, theirs } = await connectedStreams(asker)
    void serve(theirs)
    const asked = { transcript, proven, positions: all(), ...job }
    return requestOpenings(ours, asked, { clock, signal })
  }
  /** What an honest provider opens is never called forged. */
  const opening = async (job: Partial<AskedJob> = {}, serve = honest) => {
    const { opened, ...rest } = await ask(serve, job)
    if (opened === 'forged') throw new Error('an honest provider forged')
    return { opened, ...rest }
  }
  const honest = async (stream: Stream, by = asker): Promise<void> => {
    const { connection } = await connectedStreams(by)
    await service.handle(stream, connection)
  }
  /** A provider that says whatever a test wants. */
  const saying =
    (replies: readonly unknown[]) =>
    async (stream: Stream): Promise<void> => {
      const frames = new FramedStream(stream, openingsRequestSchema, clock)
      await frames.receive()
      for (const reply of replies) await frames.send(reply)
    }
  const openingsOf = (positions = all()): Promise<readonly SketchOpening[]> =>
    keeper.open({ ...keyed(), positions })
  const keyed = () => ({ link, key: openingKey(question) })

  it('show all sketches of an answer, or those that are asked for', async () => {
    const whole = await opening()
    expect(whole.opened.map(({ position }) => position)).toEqual(
      Array.from({ length: COUNT }, (_, i) => 3 + i),
    )
    expect(whole.opened.flatMap(({ sketch }) => [...sketch])).toEqual([...sketches])
    expect(whole.openings).toHaveLength(3)
    const some = await opening({ positions: [4, 40] })
    expect(some.opened.map(({ position }) => position)).toEqual([4, 40])
  })

  it('are asked for only where something was committed to, and by who can show the question', async () => {
    const positions = [4]
    await expect(ask(honest, { ...bare, positions })).rejects.toMatchObject({ code: 'verify.no-commitments' })
    await expect(ask(honest, { positions: [2] })).rejects.toMatchObject({ code: 'verify.no-commitments' })
    const hidden = { ...transcript, shown: {} }
    await expect(ask(honest, { transcript: hidden })).rejects.toMatchObject({ code: 'verify.bad-request' })
  })

  it('of a job that is not kept are refused by that name', async () => {
    keeper = new OpeningKeeper({ clock, random: countingRandom() })
    service = new OpeningsService({ clock, keeper, key: provider.key })
    await expect(ask(honest)).rejects.toMatchObject({ code: 'verify.not-kept' })
  })

  it.each<[string, (openings: readonly SketchOpening[]) => readonly unknown[]]>([
    ['a sketch of another token', ([a, ...rest]) => [swapped(a!), ...rest]],
    ['a chunk in the place of another', ([a, b, c]) => [a, { ...b!, from: 3 }, c]],
    ['chunks in another order', (openings) => openings.toReversed()],
    ['a chunk twice', ([a, ...rest]) => [a, a, ...rest]],
    ['a chunk left out', ([, ...rest]) => rest],
    ['a chunk cut short', ([a, ...rest]) => [{ ...a!, leaves: a!.leaves.slice(1) }, ...rest]],
    ['more chunks than the job has', (openings) => [...openings, ...openings]],
    ['a form that is none', () => [{ from: 3, leaves: [], siblings: [] }]],
    ['a leaf too many', ([a]) => [{ ...a!, leaves: [...a!.leaves, ...a!.leaves] }]],
    ['hashes of another length', ([a]) => [{ ...a!, siblings: [new Uint8Array(31)] }]],
    ['no bytes but text', () => [{ from: 3, leaves: 'all', siblings: [] }]],
  ])('are refused with %s', async (_, change) => {
    const openings = change(await openingsOf())
    const replies = [...openings.map((opening) => ({ type: 'opening', opening })), { type: 'done' }]
    await expect(ask(saying(replies))).rejects.toMatchObject({ code: 'verify.bad-openings' })
  })
  const swapped = (opening: SketchOpening): SketchOpening => {
    const [a, b, ...rest] = opening.leaves
    return { ...opening, leaves: [{ ...a!, sketch: b!.sketch }, b!, ...rest] }
  }

  it.each<[string, (openings: readonly SketchOpening[]) => readonly SketchOpening[]]>([
    ['a sketch of another token', ([a, ...rest]) => [swapped(a!), ...rest]],
    ['a chunk in the place of another', ([a, b, c]) => [a!, { ...b!, from: 3 }, c!]],
    ['chunks in another order', (openings) => openings.toReversed()],
    ['a chunk twice', ([a, , c]) => [a!, a!, c!]],
    ['a chunk left out', ([, ...rest]) => rest],
    ['a chunk cut short', ([a, ...rest]) => [{ ...a!, leaves: a!.leaves.slice(1) }, ...rest]],
    ['nothing at all', () => []],
  ])('are forged with %s under the provider’s name, and anybody can be shown that', async (_, change) => {
    const openings = change(await openingsOf())
    const { opened, ...given } = await ask(saying(await said(openings)))
    expect(opened).toBe('forged')
    expect(given.forgery?.positions).toEqual(all())
    expect(await readOpenings(given, { transcript, proven })).toBe('forged')
  })
  const said = async (openings: readonly SketchOpening[], by = provider, changes: Partial<Opened> = {}) => {
    const statement = await signOpened({ link, positions: all(), openings, ...changes }, by.key)
    const done = { type: 'done', optional: { statement: statementBytes(statement) } }
    return [...openings.map((opening) => ({ type: 'opening', opening })), done]
  }

  it('are forged by nobody who did not sign it so: another’s name, another job, other positions or openings', async () => {
    const [a, ...rest] = await openingsOf()
    const wrong = [swapped(a!), ...rest]
    const statements = [
      await said(wrong, asker),
      await said(wrong, provider, { link: new Uint8Array(32) }),
      await said(wrong, provider, { positions: all().slice(1) }),
      await said(wrong, provider, { openings: rest }),
      [...(await said(wrong)).slice(0, -1), { type: 'done', optional: { statement: Uint8Array.of(1) } }],
    ]
    for (const replies of statements)
      await expect(ask(saying(replies))).rejects.toMatchObject({
        ...{ code: 'verify.bad-openings', facts: { reason: 'statement' } },
      })
  })

  it('are right where they are, whatever name is under them', async () => {
    const openings = await openingsOf()
    expect((await ask(saying(await said(openings, asker)))).opened).toHaveLength(COUNT)
    expect(
      (await ask(saying([...(await said(openings)).slice(0, -1), { type: 'done' }]))).opened,
    ).toHaveLength(COUNT)
  })

  it('that take more room than they can need are refused, signed or not, so that a proof fits a frame', async () => {
    const [a, ...rest] = await openingsOf()
    const padded = { ...a!, siblings: Array.from({ length: 32 }, () => new Uint8Array(32)) }
    const one = { ...padded, leaves: a!.leaves.slice(0, 1) }
    for (const openings of [
      [one, ...rest],
      [a!, a!, a!, a!],
      [a!, a!, ...rest],
    ])
      await expect(ask(saying(await said(openings)))).rejects.toMatchObject({
        ...{ code: 'verify.bad-openings', facts: { reason: 'form' } },
      })
  })

  it('of an honest provider are called forged by nothing that an asker can do with them', async () => {
    const chunks = transcript.chunks.length
    const shorter = await Promise.all(
      Array.from({ length: chunks - 1 }, async (_, i) => {
        const part = { ...transcript, chunks: transcript.chunks.slice(0, i + 1) }
        return { transcript: part, proven: await verifyTranscript(part) }
      }),
    )
    const jobs = [{ transcript, proven }, bare, ...shorter]
    const some = fc.uniqueArray(fc.constantFrom(...all()), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        ...([
          some,
          some,
          fc.nat(jobs.length - 1),
          fc.array(fc.nat(5), { maxLength: 4 }),
          fc.boolean(),
        ] as const),
        async (first, second, which, picks, isOther) => {
          const [positions, others] = [first, second].map((each) => each.toSorted((x, y) => x - y))
          const openings = await openingsOf(positions)
          const statement = await signOpened({ link, positions: positions!, openings }, provider.key)
          const all = [...openings, ...(await openingsOf(others))]
          const changed = picks.flatMap((at) => all[at] ?? [])
          const forgery = { positions: isOther ? others! : positions!, statement }
          for (const given of [openings, changed]) {
            const read = await readOpenings({ openings: given, forgery }, jobs[which]!).catch(
              ({ code }: { code: string }) => code,
            )
            expect(read).not.toBe('forged')
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of more positions than were asked for are refused, and those of another job', async () => {
    const openings = await openingsOf([3, 4])
    const replies = [{ type: 'opening', opening: openings[0] }, { type: 'done' }]
    await expect(ask(saying(replies), { positions: [3] })).rejects.toMatchObject({
      code: 'verify.bad-openings',
    })
    const other = new Uint8Array(32).fill(4)
    keeper.keep({ jobId: JOB, link: other, question, from: 3, secret: other, sketches })
    const replayed = await keeper.open({ ...keyed(), link: other, positions: all() })
    const said = [...replayed.map((opening) => ({ type: 'opening', opening })), { type: 'done' }]
    await expect(ask(saying(said))).rejects.toMatchObject({
      code: 'verify.bad-openings',
      facts: { reason: 'root' },
    })
  })

  it('that do not come end at a deadline', async () => {
    const asked = ask(async (stream) => {
      const frames = new FramedStream(stream, openingsRequestSchema, clock)
      await frames.receive()
    })
    const refused = expect(asked).rejects.toMatchObject({ code: 'wire.timeout' })
    for (let waited = 0; waited <= OPENINGS_DEADLINE_MS; waited += 1000) await clock.advance(millis(1000))
    await refused
  })

  it('are made for so many at once, and for nobody longer than the deadline, however slow a disk is', async () => {
    const never = new Promise<never>(() => undefined)
    const store = { load: () => never, put: async () => undefined, remove: async () => undefined }
    keeper = new OpeningKeeper({ clock, random: countingRandom(), store })
    service = new OpeningsService({ clock, keeper, key: provider.key })
    const askers = await Promise.all(Array.from({ length: 100 }, () => makePeer()))
    const outcomes: string[] = []
    const asked = askers.map((who) =>
      ask((stream) => honest(stream, who), { positions: [3] }).catch(
        ({ code }: { code: string }) => void outcomes.push(code),
      ),
    )
    await expect.poll(() => outcomes.length).toBe(100 - OPENINGS_PLACES.total)
    expect(new Set(outcomes)).toEqual(new Set(['verify.rate-limited']))
    for (let waited = 0; waited <= OPENINGS_DEADLINE_MS; waited += 1000) await clock.advance(millis(1000))
    await Promise.all(asked)
    expect(outcomes).toHaveLength(100)
  })

  it('are not kept from others by a few peers whose requests take long', async () => {
    const keep = keeper
    const never = new Promise<never>(() => undefined)
    let isSlow = true
    const slow = {
      holds: (asked: Parameters<OpeningKeeper['holds']>[0]) => (isSlow ? never : keep.holds(asked)),
    }
    const part = { ...slow, open: keep.open.bind(keep) } as unknown as OpeningKeeper
    service = new OpeningsService({ clock, keeper: part, key: provider.key })
    const holders = await Promise.all(Array.from({ length: 10 }, () => makePeer()))
    const turned: string[] = []
    for (let i = 0; i < 20; i++)
      for (const holder of holders)
        void ask((stream) => honest(stream, holder), { positions: [3] }).catch(
          ({ code }: { code: string }) => void turned.push(code),
        )
    await expect.poll(() => turned.length).toBe(200 - OPENINGS_PLACES.total)
    expect(new Set(turned)).toEqual(new Set(['verify.rate-limited']))
    isSlow = false
    expect((await ask(honest, { positions: [3] })).opened).toHaveLength(1)
  })

  it('end with the signal of who asks', async () => {
    const controller = new AbortController()
    const asked = ask(async () => undefined, {}, controller.signal)
    const refused = expect(asked).rejects.toThrow('enough')
    controller.abort(new Error('enough'))
    await refused
  })

  it('are given to one peer at a bounded rate: of a thousand asks nearly all are refused, and others are served', async () => {
    let served = 0
    for (let i = 0; i < 1000; i++) {
      const positions = [3 + (i % COUNT)]
      await ask(honest, { positions }).then(
        () => served++,
        (refused: unknown) => expect(refused).toMatchObject({ code: 'verify.rate-limited' }),
      )
    }
    expect(served).toBe(OPENINGS_RATE.burst)
    const other = await makePeer()
    expect((await ask((stream) => honest(stream, other), { positions: [3] })).opened).toHaveLength(1)
    await clock.advance(millis(1000 / OPENINGS_RATE.perSecond))
    expect((await ask(honest, { positions: [3] })).opened).toHaveLength(1)
  })

  it('of one job are given at a bounded rate, whoever asks', async () => {
    let served = 0
    for (let i = 0; i < JOB_OPENINGS_RATE.burst + 10; i++) {
      asker = await makePeer()
      await ask(honest, { positions: [3] }).then(
        () => served++,
        (refused: unknown) => expect(refused).toMatchObject({ code: 'verify.rate-limited' }),
      )
    }
    expect(served).toBe(JOB_OPENINGS_RATE.burst)
    await clock.advance(millis(1000 / JOB_OPENINGS_RATE.perSecond))
    asker = await makePeer()
    expect((await ask(honest, { positions: [3] })).opened).toHaveLength(1)
  })

  /** Asks plainly for something of a job, under a name of its own. */
  const askPlainly = async (
    of: Uint8Array,
    key: Uint8Array,
    positions: readonly number[],
  ): Promise<string> => {
    const { ours, theirs } = await connectedStreams(asker)
    const handled = honest(theirs, await makePeer())
    const frames = new FramedStream(ours, openingsReplySchema, clock)
    await frames.send({ type: 'open', link: of, key, positions })
    let reply = await frames.receive()
    while (reply.type === 'opening') reply = await frames.receive()
    await frames.close()
    await handled
    return reply.type === 'refused' ? reply.error.code : reply.type
  }

  it('are given to all peers together at a bounded rate', async () => {
    const jobs = Array.from({ length: 150 }, (_, i) => new Uint8Array(32).fill(i + 1))
    for (const each of jobs) keeper.keep({ jobId: JOB, link: each, question, from: 3, secret, sketches })
    const said = []
    for (const each of jobs) said.push(await askPlainly(each, keyed().key, all()))
    const served = Math.floor((8 * MAX_ASKED_POSITIONS) / (REQUEST_COST_POSITIONS + COUNT))
    expect(said.filter((word) => word === 'done')).toHaveLength(served)
    expect(said.filter((word) => word === 'verify.rate-limited')).toHaveLength(jobs.length - served)
  })

  it('are there for who may have them, however many strangers ask that may not', async () => {
    const positions = Array.from({ length: MAX_ASKED_POSITIONS }, (_, i) => i)
    for (let i = 0; i < 60; i++)
      expect(await askPlainly(i % 2 ? link : new Uint8Array(32), new Uint8Array(32), positions)).toBe(
        'verify.not-kept',
      )
    expect((await ask(honest)).opened).toHaveLength(COUNT)
  })

  it('are not asked for at more positions than the wire takes, out of order or twice', async () => {
    const refusals = [
      Array.from({ length: MAX_ASKED_POSITIONS + 1 }, (_, i) => i),
      [4, 3],
      [3, 3],
      [],
      [-1],
      [1.5],
    ]
    for (const positions of refusals) {
      const { ours, theirs } = await connectedStreams(asker)
      const handled = honest(theirs)
      const frames = new FramedStream(ours, openingsRequestSchema, clock)
      await frames.send({ type: 'open', ...keyed(), positions })
      await handled
      await expect.poll(() => ours.status).not.toBe('open')
    }
  })
})
