import { beforeEach, describe, expect, it } from 'vitest'
import { jobId } from '../../base/ids.ts'
import { baseUnits, millis } from '../../base/units.ts'
import type { Engine } from '../../engine/engine.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { makeAnswer, type MadeAnswer } from '../../testing/answers.ts'
import { ask, ENVELOPE } from '../../testing/check-rig.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { createFakeEngine } from '../../testing/fake-engine.ts'
import { someQuote } from '../../testing/payments.ts'
import { connectedStreams, makePeer, type TestPeer } from '../../testing/peers.ts'
import { realClock, realRandom } from '../../testing/real-clock.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import type { Judgement } from '../check/judge.ts'
import { bindOwnSketches } from '../check/own-sketches.ts'
import { joinSketches, sketchBytes } from '../statistics/sketch-distance.ts'
import { signVerdict, type Verdict } from '../verdict.ts'
import { openCase, scoreRequestOf } from './check-case.ts'
import { checkOpenings } from '../openings/check-openings.ts'
import { CHECK_DEADLINE_MS, CHECK_FRAME_DEADLINE_MS, MAX_CHECK_FRAME_BYTES } from './constants.ts'
import { marginBytes } from './margin-bytes.ts'
import { askerFrameSchema } from './messages.ts'
import { bindReading, concludeReading } from './own-reading.ts'

/** What a verifier may say otherwise than it should. */
interface Lie {
  readonly judgement?: (honest: Judgement) => Judgement
  readonly verdict?: (honest: Verdict) => Verdict
  readonly margins?: (honest: readonly number[]) => readonly number[]
  /** Takes the provider's sketches for its own. */
  readonly copies?: boolean
  /** Binds itself to something else first. */
  readonly commitment?: Uint8Array
  readonly signer?: TestPeer
}

describe('requestVerdict', () => {
  let verifier: TestPeer
  let provider: TestPeer
  let asker: TestPeer
  let engine: Engine
  let honest: MadeAnswer
  let cheat: MadeAnswer
  const quote = { ...someQuote(), payment: undefined }

  beforeEach(async () => {
    ;[verifier, provider, asker] = await Promise.all([makePeer(), makePeer(), makePeer()])
    engine = createFakeEngine({ clock: realClock })
    const init = { engine, consumer: asker.name }
    honest = await makeAnswer(provider, init)
    cheat = await makeAnswer(provider, { ...init, drawnWith: new Uint8Array(32).fill(9) })
  })

  /** A verifier that does all that is asked of it, but for its lie. */
  const lying = async (answer: MadeAnswer, lie: Lie) => {
    const { ours, theirs } = await connectedStreams(verifier)
    const serve = async (): Promise<void> => {
      const frames = new FramedStream(theirs, askerFrameSchema, realClock, {
        maxFrameBytes: MAX_CHECK_FRAME_BYTES,
      })
      await frames.receive()
      const opened = await openCase(answer.transcript)
      const scores = [...(await engine.score(scoreRequestOf(opened)))]
      const reading = bindReading(scores, realRandom)
      const commitment = lie.commitment ?? reading.commitment
      await frames.send({ type: 'waiting', before: 0 })
      await frames.send({ type: 'committed', commitment })
      const frame = await frames.receive()
      const theirOpenings = frame.type === 'openings' ? frame.openings : []
      const shown = checkOpenings(theirOpenings, opened.proven.roots)
      if (lie.copies)
        for (const { position, sketch } of shown) scores[position] = { ...scores[position]!, sketch }
      const own = joinSketches(scores.map(({ sketch }) => sketch))
      const { verdict: told } = await concludeReading({ ...reading, scores, own }, shown, {
        ...{ case: opened, info: engine.info, envelope: ENVELOPE, cost: baseUnits(0n) },
        ...{ at: realClock.now(), key: verifier.key },
      })
      const { outcome, reason, difference, findings } = lie.judgement?.(told) ?? told
      const judged = { ...told, outcome, reason, difference, findings }
      const verdict = lie.verdict?.(judged) ?? judged
      const margins = scores.map(({ margin }) => margin)
      await frames.send({
        type: 'verdict',
        verdict: await signVerdict(verdict, (lie.signer ?? verifier).key),
        ...{ own: sketchBytes(own), salt: reading.salt },
        margins: marginBytes(lie.margins?.(margins) ?? margins),
      })
      await frames.close()
    }
    const served = serve().catch(() => undefined)
    const { transcript, openings } = answer
    return ask(ours, verifier, { transcript, openings, clock: realClock, quote }).finally(() => served)
  }

  const agreeing = (told: Judgement): Judgement => ({
    ...told,
    ...{ outcome: 'agrees', reason: undefined, difference: undefined },
  })
  const accusing = (told: Judgement): Judgement => ({
    ...told,
    ...{ outcome: 'differs', reason: undefined, difference: 'sketches' },
  })

  it('takes the verdict of one who did its work', async () => {
    expect((await lying(honest, {})).verdict.outcome).toBe('agrees')
    expect((await lying(cheat, {})).verdict.outcome).toBe('differs')
  })

  it.each<[string, 'honest' | 'cheat', Lie, string]>([
    ['always agrees', 'cheat', { judgement: agreeing }, 'outcome'],
    [
      'always agrees, with numbers to it',
      'cheat',
      {
        judgement: (told) => {
          const { tokens } = told.findings
          const findings = { ...told.findings, margins: [tokens, 0, 0, 0] as const, largestMargin: 0 }
          return agreeing({ ...told, findings: { ...findings, meanMargin: 0 } })
        },
      },
      'numbers',
    ],
    ['always accuses', 'honest', { judgement: accusing }, 'outcome'],
    [
      'always accuses, with numbers to it',
      'honest',
      { judgement: (told) => accusing({ ...told, findings: { ...told.findings, sketchDistance: 5 } }) },
      'numbers',
    ],
    ['says margins that no check can find', 'honest', { margins: (all) => all.map(() => -1) }, 'margins'],
    ['says margins of another answer', 'honest', { margins: (all) => all.slice(1) }, 'margins'],
    [
      'judges by an envelope of its own',
      'honest',
      { verdict: (told) => ({ ...told, envelope: new Uint8Array(32) }) },
      'envelope',
    ],
    [
      'speaks of another chain',
      'honest',
      { verdict: (told) => ({ ...told, head: new Uint8Array(32) }) },
      'chain',
    ],
    [
      'speaks of another job',
      'honest',
      { verdict: (told) => ({ ...told, jobId: jobId('9'.repeat(32)) }) },
      'job',
    ],
    [
      'asks for more than it was quoted',
      'honest',
      { verdict: (told) => ({ ...told, cost: baseUnits(1n) }) },
      'cost',
    ],
    ['bound itself to something else', 'honest', { commitment: new Uint8Array(32) }, 'commitment'],
  ])('refuses the verdict of one who %s', async (_, which, lie, reason) => {
    await expect(lying(which === 'honest' ? honest : cheat, lie)).rejects.toMatchObject({
      code: 'verify.bad-verdict',
      facts: { reason },
    })
  })

  it('refuses the verdict of one who takes the provider’s sketches for its own', async () => {
    const other = createFakeEngine({ clock: realClock })
    const wrong = Object.assign(Object.create(other) as Engine, {
      score: async (request: Parameters<Engine['score']>[0]) =>
        (await other.score(request)).map(({ margin }) => ({ margin, sketch: new Uint16Array(SKETCH_SIZE) })),
    })
    engine = wrong
    await expect(lying(honest, { copies: true })).rejects.toMatchObject({ code: 'verify.bad-verdict' })
    const bound = bindOwnSketches(new Uint16Array(40 * SKETCH_SIZE), new Uint8Array(32))
    await expect(lying(honest, { copies: true, commitment: bound })).rejects.toMatchObject({
      code: 'verify.bad-verdict',
    })
  })

  it('refuses a verdict that somebody else signed', async () => {
    const signer = await makePeer()
    await expect(lying(honest, { signer })).rejects.toMatchObject({ code: 'wire.bad-signature' })
  })

  it('gives up a verifier that is silent, one that only lives, and one that says the wrong thing', async () => {
    const { transcript, openings } = honest
    const silent = async (
      serve: (frames: FramedStream<typeof askerFrameSchema>) => Promise<void>,
      ms: number,
    ) => {
      const clock = new FakeClock(realClock.now())
      const { ours, theirs } = await connectedStreams(verifier)
      const frames = new FramedStream(theirs, askerFrameSchema, realClock, {
        maxFrameBytes: MAX_CHECK_FRAME_BYTES,
      })
      const outcome = ask(ours, verifier, { transcript, openings, clock, quote }).then(
        () => 'a verdict',
        ({ code }: { code: string }) => code,
      )
      await frames.receive()
      await serve(frames)
      for (let passed = 0; passed < ms; passed += 1000) {
        await clock.advance(millis(1000))
        await frames.send({ type: 'waiting', before: 0 }).catch(() => undefined)
      }
      return outcome
    }
    const stalled = async (): Promise<void> => undefined
    const clock = new FakeClock(realClock.now())
    const { ours } = await connectedStreams(verifier)
    const never = ask(ours, verifier, { transcript, openings, clock, quote }).catch(
      ({ code }) => code as string,
    )
    await clock.advance(CHECK_FRAME_DEADLINE_MS + 1000)
    expect(await never).toBe('wire.timeout')
    expect(await silent(stalled, CHECK_DEADLINE_MS)).toBe('wire.timeout')
    const early = (frames: FramedStream<typeof askerFrameSchema>): Promise<void> =>
      frames.send({
        ...{ type: 'verdict', verdict: { body: new Uint8Array(), signature: new Uint8Array(64) } },
        ...{ own: new Uint8Array(), margins: new Uint8Array(), salt: new Uint8Array(32) },
      })
    expect(await silent(early, 0)).toBe('wire.unexpected')
  })
})
