import { beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { epochMillis, MINUTE_MS, tokens } from '../../base/units.ts'
import type { Engine } from '../../engine/engine.ts'
import { MAX_OUTPUT_TOKENS } from '../../prompt/constants.ts'
import { firstLink } from '../../stream/first-link.ts'
import { makeAnswer, type MadeAnswer } from '../../testing/answers.ts'
import { ask, CheckRig } from '../../testing/check-rig.ts'
import { createFakeEngine } from '../../testing/fake-engine.ts'
import { someQuote } from '../../testing/payments.ts'
import { makePeer, type TestPeer } from '../../testing/peers.ts'
import { realClock } from '../../testing/real-clock.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { committedPositions, type GivenOpenings } from '../openings/read-openings.ts'
import { signOpened } from '../openings/statement.ts'
import { encodeCase, openCase } from './check-case.ts'
import { costOfCheck, tokensRead } from './check-terms.ts'
import {
  MAX_CHECK_FRAME_BYTES,
  MAX_OPEN_CHECKS,
  MAX_RUNNING_CHECKS,
  MAX_WAITING_CHECKS,
} from './constants.ts'
import { verifierFrameSchema, type VerifierFrame } from './messages.ts'

/** An engine that says how often it read, and waits where a test holds it. */
function countingEngine(answerLength = 40): {
  engine: Engine
  counted: { reads: number }
  hold: () => () => void
} {
  const info = { contextLength: 2 * MAX_OUTPUT_TOKENS }
  const fake = createFakeEngine({ clock: realClock, answerLength, info })
  const counted = { reads: 0 }
  let held = Promise.resolve()
  const engine = Object.assign(Object.create(fake) as Engine, {
    async score(...asked: Parameters<Engine['score']>) {
      counted.reads++
      await held
      return fake.score(...asked)
    },
  })
  const hold = (): (() => void) => {
    const gate = Promise.withResolvers<void>()
    held = gate.promise
    return gate.resolve
  }
  return { engine, counted, hold }
}

const makePeers = (count: number): Promise<TestPeer[]> =>
  Promise.all(Array.from({ length: count }, () => makePeer()))

describe('a verifier among askers who mean no good', () => {
  let verifier: TestPeer
  let provider: TestPeer
  let asker: TestPeer
  let rig: CheckRig
  let answer: MadeAnswer
  let engine: Engine
  let counted: { reads: number }
  let hold: () => () => void

  beforeEach(async () => {
    ;[verifier, provider, asker] = (await makePeers(3)) as [TestPeer, TestPeer, TestPeer]
    ;({ engine, counted, hold } = countingEngine())
    rig = new CheckRig(verifier, { clock: realClock, engine })
    answer = await makeAnswer(provider, { engine, consumer: asker.name })
  })

  /** Asks as far as the first frame that says how it stands, and says nothing more. */
  const begin = async (who: TestPeer, transcript: Uint8Array, until: VerifierFrame['type'] = 'waiting') => {
    const quoteId = fromHex((await rig.quoteFor(who)).quoteId)
    const { stream, done } = await rig.connect(who)
    const frames = new FramedStream(stream, verifierFrameSchema, realClock, {
      maxFrameBytes: MAX_CHECK_FRAME_BYTES,
    })
    const leave = (): Promise<void> => {
      frames.abort(new Error('left'))
      return done
    }
    const hear = async (): Promise<string> => {
      await frames.send({ type: 'check', quoteId, transcript })
      let frame = await frames.receive()
      while (frame.type === 'waiting' && until !== 'waiting') frame = await frames.receive()
      return frame.type === 'refused' ? frame.error.code : frame.type
    }
    // Beyond what may stand open before its first frame has come, a stream is cut without a word.
    return { leave, said: await hear().catch(() => 'cut') }
  }

  it('holds no more than its bound of those who have it read, and then show nothing', async () => {
    const transcript = encodeCase(await openCase(answer.transcript))
    const begun = []
    for (const who of await makePeers(100)) begun.push(await begin(who, transcript, 'committed'))
    const said = begun.map((each) => each.said)
    expect(said.slice(0, MAX_OPEN_CHECKS)).toEqual(Array(MAX_OPEN_CHECKS).fill('committed'))
    expect(said.slice(MAX_OPEN_CHECKS)).toEqual(Array(100 - MAX_OPEN_CHECKS).fill('verify.busy'))
    expect(counted.reads).toBe(MAX_OPEN_CHECKS)
    for (const { leave } of begun) await leave()
    expect(rig.service.checks).toBe(0)
    expect((await rig.check(asker, answer)).verdict.outcome).toBe('agrees')
  })

  it('reads one of the longest answer at a time, lets a few wait, and turns the others of a hundred away', async () => {
    ;({ engine, counted, hold } = countingEngine(MAX_OUTPUT_TOKENS + 1))
    rig = new CheckRig(verifier, { clock: realClock, engine })
    const long = await makeAnswer(provider, { engine, consumer: asker.name, maxTokens: MAX_OUTPUT_TOKENS })
    const opened = await openCase(long.transcript)
    expect(opened.proven.tokens).toHaveLength(MAX_OUTPUT_TOKENS)
    // It costs the price of reading all of it, whoever asks.
    const quote = someQuote()
    expect(opened.read).toBe(tokensRead(opened.question, MAX_OUTPUT_TOKENS))
    expect(costOfCheck(quote, opened.read)).toBeGreaterThan(costOfCheck(quote, tokens(opened.read - 1000)))
    const release = hold()
    const transcript = encodeCase(opened)
    const begun = await Promise.all((await makePeers(100)).map((who) => begin(who, transcript)))
    const admitted = begun.filter(({ said }) => said === 'waiting')
    expect(admitted).toHaveLength(MAX_RUNNING_CHECKS + MAX_WAITING_CHECKS)
    const turnedAway = begun.filter(({ said }) => said === 'verify.busy' || said === 'cut')
    expect(turnedAway).toHaveLength(100 - admitted.length)
    expect(counted.reads).toBe(MAX_RUNNING_CHECKS)
    for (const { leave } of begun) await leave()
    release()
    expect(rig.service.checks).toBe(0)
  })

  it('takes one quote once, also where it is shown on two streams at the same moment', async () => {
    const quoteId = fromHex((await rig.quoteFor(asker)).quoteId)
    const transcript = encodeCase(await openCase(answer.transcript))
    const said = await Promise.all(
      [1, 2].map(async () => {
        const { stream, done } = await rig.connect(asker)
        const frames = new FramedStream(stream, verifierFrameSchema, realClock)
        await frames.send({ type: 'check', quoteId, transcript })
        const frame = await frames.receive()
        frames.abort(new Error('left'))
        await done
        return frame.type === 'refused' ? frame.error.code : frame.type
      }),
    )
    expect(said.toSorted()).toEqual(['prompt.quote-unknown', 'waiting'])
  })

  describe('who say that a provider forged', () => {
    const forgeryOf = async (
      changed: (openings: MadeAnswer['openings']) => MadeAnswer['openings'],
      signer = provider,
      of = answer,
    ): Promise<GivenOpenings> => {
      const { transcript, proven } = await openCase(of.transcript)
      const openings = changed(of.openings)
      const positions = committedPositions(proven)
      const link = firstLink(transcript.jobId, transcript.hashes)
      return {
        openings,
        forgery: { positions, statement: await signOpened({ link, positions, openings }, signer.key) },
      }
    }
    const zeroed: Parameters<typeof forgeryOf>[0] = (all) =>
      all.map((each) => ({
        ...each,
        leaves: each.leaves.map((leaf) => ({ ...leaf, sketch: new Uint8Array(32) })),
      }))
    const checkWith = (given: GivenOpenings) =>
      rig.check(asker, answer, { shown: { ...given, opened: 'forged' } })

    it('says so too where the provider’s own name is under it', async () => {
      for (const forged of [zeroed, (all: MadeAnswer['openings']) => all.slice(1), () => []]) {
        const { verdict } = await checkWith(await forgeryOf(forged))
        expect(verdict).toMatchObject({ outcome: 'differs', difference: 'openings', findings: { opened: 0 } })
      }
    })

    it('refuses them where it is not: the asker’s own name, another job’s, other openings', async () => {
      const other = await makeAnswer(provider, { engine, consumer: asker.name, name: 2 })
      const right = await forgeryOf((all) => all)
      for (const given of [
        await forgeryOf(zeroed, asker),
        await forgeryOf(zeroed, provider, other),
        { ...right, openings: zeroed(right.openings) },
        { ...right, openings: [] },
      ])
        await expect(checkWith(given)).rejects.toMatchObject({ code: 'verify.bad-openings' })
    })

    it('agrees where the openings are right all the same, and the asker’s accusation fails', async () => {
      const right = await forgeryOf((all) => all)
      await expect(checkWith(right)).rejects.toMatchObject({ code: 'verify.bad-verdict' })
    })
  })

  it.each([-7, 7])('checks with a clock that is %d minutes off', async (minutes) => {
    const off: Clock = {
      now: () => epochMillis(realClock.now() + minutes * MINUTE_MS),
      monotonic: () => realClock.monotonic(),
      schedule: (delay, callback) => realClock.schedule(delay, callback),
    }
    rig = new CheckRig(verifier, { clock: off, engine })
    const quote = await rig.quoteFor(asker)
    const { stream, done } = await rig.connect(asker)
    const { verdict } = await ask(stream, verifier, { ...answer, clock: realClock, quote })
    await done
    expect(verdict.outcome).toBe('agrees')
    expect(Math.abs(verdict.at - realClock.now() - minutes * MINUTE_MS)).toBeLessThan(MINUTE_MS)
  })
})
