import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { tokens } from '../../base/units.ts'
import type { Engine, ScoreRequest } from '../../engine/engine.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { encodeTranscripts } from '../../stream/transcript.ts'
import { makeAnswer, type MadeAnswer } from '../../testing/answers.ts'
import { CheckRig } from '../../testing/check-rig.ts'
import { FakeChain } from '../../testing/fake-chain.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../../testing/fake-engine.ts'
import { emptyLedgers, PAYER, PAYMENT, purseOver, sessionKey, tillOver } from '../../testing/payments.ts'
import { makePeer, type TestPeer } from '../../testing/peers.ts'
import { realClock } from '../../testing/real-clock.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { checkTermsOf } from './check-terms.ts'
import {
  CHECK_DEADLINE_MS,
  CHECK_RATE,
  MAX_CHECKED_BYTES,
  MAX_CHECKS_PER_PEER,
  MAX_RUNNING_CHECKS,
  MAX_WAITING_CHECKS,
  OPENINGS_DEADLINE_MS,
} from './constants.ts'
import { verifierFrameSchema } from './messages.ts'
import { encodeCase, openCase } from './check-case.ts'

/** A fake whose readings a test can hold up. */
function heldEngine(): { engine: Engine; scored: ScoreRequest[]; hold: () => () => void } {
  const fake: FakeEngine = createFakeEngine({ clock: realClock })
  const scored: ScoreRequest[] = []
  let held: Promise<void> = Promise.resolve()
  const engine = Object.assign(Object.create(fake) as FakeEngine, {
    async score(request: ScoreRequest, options: { signal?: AbortSignal } = {}) {
      scored.push(request)
      const stopped = new Promise<never>((_, reject) =>
        options.signal?.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
      )
      await Promise.race([held, stopped])
      return fake.score(request, options)
    },
  })
  const hold = (): (() => void) => {
    const gate = Promise.withResolvers<void>()
    held = gate.promise
    return gate.resolve
  }
  return { engine, scored, hold }
}

describe('VerifyService', () => {
  let verifier: TestPeer
  let provider: TestPeer
  let asker: TestPeer
  let rig: CheckRig
  let engine: Engine
  let scored: ScoreRequest[]
  let hold: () => () => void
  let answer: MadeAnswer
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    ;[verifier, provider, asker] = await Promise.all([makePeer(), makePeer(), makePeer()])
    ;({ engine, scored, hold } = heldEngine())
    rig = new CheckRig(verifier, { clock: realClock, engine })
    answer = await makeAnswer(provider, { engine, consumer: asker.name })
  })
  afterEach(() => {
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
    expect(rig.service.checks).toBe(0)
  })

  it('agrees with an answer that its engine would have written, and signs what it found', async () => {
    const stages: string[] = []
    const { verdict } = await rig.check(asker, answer, { onStage: (stage) => stages.push(stage) })
    expect(verdict).toMatchObject({
      ...{ jobId: answer.transcript.jobId, provider: provider.name, outcome: 'agrees', cost: 0n },
      findings: { tokens: 40, margins: [40, 0, 0, 0], opened: 40, sketchDistance: 0 },
      class: { backend: 'wasm', adapter: 'fake' },
    })
    expect(stages).toEqual(['reading', 'opening'])
  })

  it('does not read a question, nor an answer, that the provider does not want to read', async () => {
    const read: unknown[] = []
    rig.screen = async (texts) => {
      read.push(texts)
      throw new InfernetError('stream.refused')
    }
    await expect(rig.check(asker, answer)).rejects.toMatchObject({ code: 'stream.refused' })
    const { question, proven } = await openCase(answer.transcript)
    expect(read).toEqual([[question.promptTokens, question.priorTokens, proven.tokens]])
    expect(scored).toEqual([])
  })

  it('says that an answer differs that was drawn with another seed', async () => {
    const cheat = await makeAnswer(provider, {
      ...{ engine, consumer: asker.name, drawnWith: new Uint8Array(32).fill(9) },
    })
    const { verdict } = await rig.check(asker, cheat)
    expect(verdict).toMatchObject({ outcome: 'differs', difference: 'tokens' })
  })

  it('reads a part that goes on after another provider’s by itself, at its own positions', async () => {
    const part = await makeAnswer(provider, {
      ...{ engine, consumer: asker.name, priorTokens: [11, 12, 13, 14], maxTokens: 34 },
    })
    const { verdict } = await rig.check(asker, part)
    expect(verdict).toMatchObject({ outcome: 'agrees', findings: { tokens: 34, opened: 34 } })
    expect(scored).toMatchObject([{ priorTokens: [11, 12, 13, 14], client: 'checks' }])
  })

  it('accuses nobody where nothing was opened, and where nothing was signed', async () => {
    const withheld = await rig.check(asker, answer, { shown: { openings: [], opened: undefined } })
    expect(withheld.verdict).toMatchObject({ outcome: 'inconclusive', reason: 'withheld' })
    const old = await makeAnswer(provider, { engine, consumer: asker.name, isCommitted: false })
    const { verdict } = await rig.check(asker, old, { shown: { openings: [], opened: undefined } })
    expect(verdict).toMatchObject({ outcome: 'inconclusive', reason: 'no-commitments' })
  })

  it('says nothing of a provider by openings that the asker changed', async () => {
    const [first, ...rest] = answer.openings
    const leaves = first!.leaves.map((leaf, i) => (i === 0 ? { ...leaf, salt: new Uint8Array(32) } : leaf))
    for (const openings of [[{ ...first!, leaves }, ...rest], [first!, first!], [{ ...first!, from: 1 }]]) {
      const forged = rig.check(asker, answer, { shown: { openings, opened: undefined } })
      await expect(forged).rejects.toMatchObject({ code: 'verify.bad-openings' })
    }
  })

  it('reads after the jobs, and makes room for one that comes', async () => {
    rig.jobs = [rig.someJob()]
    const release = hold()
    const checked = rig.check(asker, answer)
    await expect.poll(() => rig.service.checks).toBe(1)
    expect(scored).toEqual([])
    rig.jobs = []
    rig.service.jobsChanged()
    await expect.poll(() => scored.length).toBe(1)
    rig.jobs = [rig.someJob()]
    rig.service.jobsChanged()
    release()
    rig.jobs = []
    rig.service.jobsChanged()
    expect((await checked).verdict.outcome).toBe('agrees')
    expect(scored).toHaveLength(2)
  })

  it('refuses by name what is more than it takes: of one peer, of all, and too often', async () => {
    const release = hold()
    const other = await makePeer()
    const own = Array.from({ length: MAX_CHECKS_PER_PEER }, () => rig.check(other, answer))
    await expect.poll(() => rig.service.checks).toBe(MAX_CHECKS_PER_PEER)
    await expect(rig.check(other, answer)).rejects.toMatchObject({ code: 'verify.rate-limited' })
    const room = MAX_RUNNING_CHECKS + MAX_WAITING_CHECKS - MAX_CHECKS_PER_PEER
    const others = await Promise.all(Array.from({ length: room }, () => makePeer()))
    const waiting = others.map((peer) => rig.check(peer, answer))
    await expect.poll(() => rig.service.checks).toBe(MAX_RUNNING_CHECKS + MAX_WAITING_CHECKS)
    await expect(rig.check(await makePeer(), answer)).rejects.toMatchObject({ code: 'verify.busy' })
    release()
    for (const { verdict } of await Promise.all([...own, ...waiting])) expect(verdict.outcome).toBe('agrees')
  })

  it('reads the same answer a few times for one who asks a thousand times', async () => {
    const used = await rig.quoteFor(asker)
    const transcript = encodeCase(await openCase(answer.transcript))
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 1000; i++) {
      const { stream, done } = await rig.connect(asker)
      const frames = new FramedStream(stream, verifierFrameSchema, realClock)
      const quoteId = fromHex((i < 3 ? await rig.quoteFor(asker) : used).quoteId)
      await frames.send({ type: 'check', quoteId, transcript })
      let frame = await frames.receive()
      while (frame.type === 'waiting' || frame.type === 'committed') {
        if (frame.type === 'committed') await frames.send({ type: 'openings', openings: [] })
        frame = await frames.receive()
      }
      const outcome = frame.type === 'refused' ? frame.error.code : frame.type
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      await frames.close()
      await done
    }
    const { verdict = 0, ...refusals } = Object.fromEntries(outcomes)
    expect(verdict).toBeGreaterThan(0)
    expect(verdict).toBeLessThanOrEqual(CHECK_RATE.burst)
    expect(Object.keys(refusals).sort()).toEqual(['prompt.quote-unknown', 'verify.rate-limited'])
    expect(scored.length).toBeLessThanOrEqual(CHECK_RATE.burst)
  })

  it.each([
    ['a file that is none', 'form', () => new Uint8Array([1, 2, 3])],
    ['two jobs', 'form', () => encodeTranscripts([answer.transcript, answer.transcript])],
    [
      'a question that is kept back',
      'kept back',
      () => encodeTranscripts([{ ...answer.transcript, shown: { quote: answer.transcript.shown.quote! } }]),
    ],
    [
      'chunks in another order',
      'index',
      () => encodeTranscripts([{ ...answer.transcript, chunks: answer.transcript.chunks.toReversed() }]),
    ],
    [
      'a chunk that is left out',
      'index',
      () => encodeTranscripts([{ ...answer.transcript, chunks: answer.transcript.chunks.slice(1) }]),
    ],
    [
      'an answer that has not begun',
      'empty',
      () => encodeTranscripts([{ ...answer.transcript, chunks: answer.transcript.chunks.slice(0, 1) }]),
    ],
    [
      'a signature of nobody',
      'signature',
      () =>
        encodeTranscripts([
          {
            ...answer.transcript,
            chunks: answer.transcript.chunks.map((chunk) => ({ ...chunk, signature: new Uint8Array(64) })),
          },
        ]),
    ],
  ])('refuses %s, before it reads anything', async (_, reason, transcript) => {
    const { stream, done } = await rig.connect(asker)
    const frames = new FramedStream(stream, verifierFrameSchema, realClock)
    const quoteId = fromHex((await rig.quoteFor(asker)).quoteId)
    await frames.send({ type: 'check', quoteId, transcript: transcript() })
    expect(await frames.receive()).toMatchObject({
      type: 'refused',
      error: { code: 'verify.bad-request', facts: { reason } },
    })
    await done
    expect(scored).toEqual([])
  })

  it('cuts off a frame beyond what a transcript takes', async () => {
    const { stream, done } = await rig.connect(asker)
    const frames = new FramedStream(stream, verifierFrameSchema, realClock, { maxFrameBytes: 10_000_000 })
    const transcript = new Uint8Array(2 * MAX_CHECKED_BYTES)
    await frames.send({ type: 'check', quoteId: new Uint8Array(16), transcript }).catch(() => undefined)
    await done
    expect(stream.status).not.toBe('open')
  })

  it('vouches for nobody who is itself, for no other model, and loads none', async () => {
    const own = await makeAnswer(verifier, { engine, consumer: asker.name })
    await expect(rig.check(asker, own)).rejects.toMatchObject({ code: 'verify.bad-request' })
    const other = createFakeEngine({ clock: realClock, info: { model: 'e'.repeat(64) as never } })
    const foreign = await makeAnswer(provider, { engine: other, consumer: asker.name })
    await expect(rig.check(asker, foreign)).rejects.toMatchObject({ code: 'prompt.quote-unknown' })
    rig = new CheckRig(verifier, { clock: realClock, engine, loadMs: 1000 })
    await expect(rig.check(asker, answer)).rejects.toMatchObject({ code: 'verify.busy' })
    rig = new CheckRig(verifier, { clock: realClock, engine })
    const quote = await rig.quoteFor(asker)
    rig.isDraining = true
    await expect(rig.check(asker, answer, { quote })).rejects.toMatchObject({ code: 'stream.draining' })
  })

  it('takes a quote once, and of nobody else', async () => {
    const quote = await rig.quoteFor(asker)
    await rig.check(asker, answer, { quote })
    await expect(rig.check(asker, answer, { quote })).rejects.toMatchObject({ code: 'prompt.quote-unknown' })
    const theirs = await rig.quoteFor(asker)
    const thief = rig.check(await makePeer(), answer, { quote: theirs })
    await expect(thief).rejects.toMatchObject({ code: 'prompt.quote-unknown' })
  })

  it('stops reading for who goes away, and for a model that is taken back', async () => {
    hold()
    const stop = new AbortController()
    const left = rig.check(asker, answer, { signal: stop.signal })
    await expect.poll(() => scored.length).toBe(1)
    stop.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    await expect.poll(() => rig.service.checks).toBe(0)
    const ended = rig.check(asker, answer)
    await expect.poll(() => scored.length).toBe(2)
    const { InfernetError } = await import('../../errors/infernet-error.ts')
    rig.service.stop(new InfernetError('stream.draining'), engine.info.model)
    await expect(ended).rejects.toMatchObject({ code: 'stream.draining' })
  })

  it('waits neither for ever for its turn nor for openings', async () => {
    const clock = new FakeClock(realClock.now())
    rig = new CheckRig(verifier, { clock, engine })
    rig.jobs = [rig.someJob()]
    const transcript = encodeCase(await openCase(answer.transcript))
    const begin = async () => {
      const { stream, done } = await rig.connect(asker)
      const frames = new FramedStream(stream, verifierFrameSchema, realClock)
      await frames.send({ type: 'check', quoteId: fromHex((await rig.quoteFor(asker)).quoteId), transcript })
      const last = async () => {
        for (;;) {
          const frame = await frames.receive()
          if (frame.type !== 'waiting') return frame
        }
      }
      expect(await frames.receive()).toMatchObject({ type: 'waiting' })
      return { last, done }
    }
    const waiting = await begin()
    await clock.advance(CHECK_DEADLINE_MS)
    expect(await waiting.last()).toMatchObject({ type: 'refused', error: { code: 'verify.busy' } })
    await waiting.done
    rig.jobs = []
    const silent = await begin()
    expect(await silent.last()).toMatchObject({ type: 'committed' })
    await clock.advance(OPENINGS_DEADLINE_MS)
    expect(await silent.last()).toMatchObject({ type: 'refused', error: { code: 'wire.timeout' } })
    await silent.done
  })

  describe('that is paid', () => {
    let chain: FakeChain
    let ledger: Awaited<ReturnType<typeof tillOver>>['ledger']
    const READ = 3 + 40 - 1
    const paid = async () => {
      const quote = await rig.quoteFor(asker, READ)
      const purse = purseOver(emptyLedgers(), chain)
      const credit = await purse.open(checkTermsOf(quote, { consumer: asker.name, read: tokens(READ) }))
      return { quote, credit, purse }
    }
    beforeEach(async () => {
      chain = new FakeChain()
      chain.deposit(PAYER, 100_000n)
      chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() + 3_600_000)
      const till = await tillOver(emptyLedgers(), chain)
      ledger = till.ledger
      rig = new CheckRig(verifier, { clock: realClock, engine, payment: PAYMENT, till: till.till })
    })

    it('costs exactly the price of reading', async () => {
      const { quote, credit } = await paid()
      const { verdict, cost } = await rig.check(asker, answer, { quote, credit })
      expect(verdict).toMatchObject({ outcome: 'agrees', cost: BigInt(READ) })
      expect([cost, credit.paid]).toEqual([BigInt(READ), BigInt(READ)])
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(BigInt(READ))
    })

    it('is refused without payment, and reads nothing', async () => {
      const { quote } = await paid()
      await expect(rig.check(asker, answer, { quote })).rejects.toMatchObject({ code: 'payment.required' })
      const short = await rig.quoteFor(asker, READ)
      const purse = purseOver(emptyLedgers(), chain)
      const credit = await purse.open(checkTermsOf(short, { consumer: asker.name, read: tokens(READ - 1) }))
      const unpaid = rig.check(asker, answer, { quote: short, credit })
      await expect(unpaid).rejects.toMatchObject({ code: 'payment.unpaid' })
      expect(scored).toEqual([])
    })

    it('brings nothing back to who cancels while it is read', async () => {
      const letGo = hold()
      const { quote, credit } = await paid()
      const cancel = new AbortController()
      const ended = rig.check(asker, answer, { quote, credit, signal: cancel.signal })
      await expect.poll(() => scored.length).toBe(1)
      cancel.abort(new InfernetError('stream.cancelled'))
      await expect(ended).rejects.toMatchObject({ code: 'stream.cancelled' })
      expect(credit.paid).toBe(BigInt(READ))
      letGo()
    })

    it('leaves over what was paid for a check that was not read', async () => {
      hold()
      const { quote, credit, purse } = await paid()
      const ended = rig.check(asker, answer, { quote, credit })
      await expect.poll(() => scored.length).toBe(1)
      rig.service.stop(new InfernetError('stream.draining'))
      await expect(ended).rejects.toMatchObject({ code: 'stream.draining' })
      expect(credit.paid).toBe(0n)
      hold()()
      const next = await rig.quoteFor(asker, READ)
      const again = await purse.open(checkTermsOf(next, { consumer: asker.name, read: tokens(READ) }))
      const { verdict } = await rig.check(asker, answer, { quote: next, credit: again })
      expect(verdict.cost).toBe(BigInt(READ))
      expect(ledger.unclaimedOf(PAYER, 0)).toBe(BigInt(READ))
    })
  })
})
