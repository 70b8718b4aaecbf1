import type { Connection } from '@libp2p/interface'
import { beforeEach, describe, expect, it } from 'vitest'
import { equalBytes } from '../base/bytes.ts'
import { tokens } from '../base/units.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { firstLink } from '../stream/first-link.ts'
import { makeAnswer, type AnswerInit, type MadeAnswer } from '../testing/answers.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine } from '../testing/fake-engine.ts'
import { connectedStreams, makePeer, type TestPeer } from '../testing/peers.ts'
import { realClock, realRandom } from '../testing/real-clock.ts'
import { openingKey } from '../verify/openings/opening-key.ts'
import { signOpened, statementBytes } from '../verify/openings/statement.ts'
import { openingsRequestSchema, type OpeningsRequest } from '../verify/openings/messages.ts'
import { openCase } from '../verify/service/check-case.ts'
import { FETCH_OPENINGS_DEADLINE_MS, MAX_OPENED_POSITIONS } from '../verify/service/constants.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { fetchOpenings } from './fetch-openings.ts'
import type { SearchComponents } from './provider-search.ts'
import { RecentPeers } from './recent-peers.ts'
import { millis } from '../base/units.ts'

type Frames = FramedStream<typeof openingsRequestSchema>

describe('fetchOpenings', () => {
  let provider: TestPeer
  let asker: TestPeer
  beforeEach(async () => {
    ;[provider, asker] = await Promise.all([makePeer(), makePeer()])
  })

  const answerOf = (init: Partial<AnswerInit> = {}, answerLength = 40): Promise<MadeAnswer> => {
    const info = { contextLength: 4096 }
    const engine = createFakeEngine({ clock: realClock, answerLength, info })
    return makeAnswer(provider, { engine, consumer: asker.name, ...init })
  }

  /** What this asker needs, with a connection to the provider that stands; without one it is gone. */
  const componentsFor = (serve: ((frames: Frames) => Promise<void>) | undefined, clock = realClock) => {
    const connection = async (): Promise<Connection> => {
      const { ours, theirs, connection: plain } = await connectedStreams(provider)
      void serve?.(new FramedStream(theirs, openingsRequestSchema, realClock)).catch(() => undefined)
      return Object.assign(plain, { status: 'open', newStream: async () => ours })
    }
    return async (): Promise<SearchComponents> => {
      const standing = serve ? [await connection()] : []
      return {
        ...{ clock, random: realRandom, offers: new OfferMemory(), directories: () => [] },
        node: { getConnections: () => standing, dial: () => Promise.reject(new Error('nobody answers')) },
        directFailures: new RecentPeers(clock, millis(1000)),
        slowRelays: new RecentPeers(clock, millis(1000)),
      } as unknown as SearchComponents
    }
  }
  const serving =
    (answer: MadeAnswer, asked: OpeningsRequest[] = [], signer?: TestPeer) =>
    async (frames: Frames): Promise<void> => {
      const request = await frames.receive()
      asked.push(request)
      const openings = answer.open(request.positions)
      for (const opening of openings) await frames.send({ type: 'opening', opening })
      const signed = signer && (await signOpened({ ...request, openings }, signer.key))
      await frames.send({ type: 'done', ...(signed && { optional: { statement: statementBytes(signed) } }) })
      await frames.close()
    }
  const fetch = async (
    answer: MadeAnswer,
    components: () => Promise<SearchComponents>,
    signal?: AbortSignal,
  ) => fetchOpenings(await components(), await openCase(answer.transcript), { signal })

  it('shows all that was signed, to one who knows the question', async () => {
    const answer = await answerOf()
    const asked: OpeningsRequest[] = []
    const { shown, opened } = await fetch(answer, componentsFor(serving(answer, asked)))
    expect([shown, opened?.length]).toEqual(['opened', tokens(40)])
    const { jobId, hashes, shown: parts } = answer.transcript
    expect(equalBytes(asked[0]!.link, firstLink(jobId, hashes))).toBe(true)
    expect(equalBytes(asked[0]!.key, openingKey(parts.question!))).toBe(true)
  })

  it('asks for some of a long answer, by lot', async () => {
    const answer = await answerOf({ maxTokens: 2000 }, MAX_OPENED_POSITIONS + 300)
    const asked: OpeningsRequest[] = []
    const components = componentsFor(serving(answer, asked))
    const { shown, opened } = await fetch(answer, components)
    await fetch(answer, components)
    expect([shown, opened?.length]).toEqual(['opened', MAX_OPENED_POSITIONS])
    expect(asked[0]?.positions).not.toEqual(asked[1]?.positions)
  })

  it('names who opens under its name what it did not sign', async () => {
    const [answer, other] = [await answerOf(), await answerOf({ promptTokens: [8, 9] })]
    const forged = await fetch(answer, componentsFor(serving(other, [], provider)))
    expect(forged).toMatchObject({ shown: 'forged', opened: 'forged', reason: undefined })
    expect(forged.forgery?.positions).toHaveLength(40)
    // What bears no name could be anybody's, once it is passed on.
    expect(await fetch(answer, componentsFor(serving(other)))).toMatchObject({
      ...{ shown: 'withheld', openings: [], opened: undefined },
      reason: { code: 'verify.bad-openings' },
    })
  })

  it('takes silence, a refusal and an absence for withholding', async () => {
    const answer = await answerOf()
    const clock = new FakeClock(realClock.now())
    const silent = fetch(
      answer,
      componentsFor(async () => undefined, clock),
    )
    for (let ms = 0; ms <= FETCH_OPENINGS_DEADLINE_MS; ms += 1000) await clock.advance(1000)
    expect(await silent).toMatchObject({ shown: 'withheld' })
    const refuses = async (frames: Frames): Promise<void> =>
      frames.send({ type: 'refused', error: { code: 'verify.not-kept', facts: {} } })
    expect(await fetch(answer, componentsFor(refuses))).toMatchObject({
      ...{ shown: 'withheld', reason: { code: 'verify.not-kept' } },
    })
    expect(await fetch(answer, componentsFor(undefined))).toMatchObject({ shown: 'withheld' })
  })

  it('takes openings that come one by one for ever for withheld ones, after the same deadline', async () => {
    const answer = await answerOf({ maxTokens: 2000 }, 320)
    const clock = new FakeClock(realClock.now())
    const begun = Promise.withResolvers<Frames>()
    const slow = fetch(
      answer,
      componentsFor(async (frames) => {
        await frames.receive()
        begun.resolve(frames)
      }, clock),
    )
    const frames = await begun.promise
    let isOver = false
    void slow.then(() => (isOver = true))
    let waited = 0
    for (const opening of answer.openings) {
      await frames.send({ type: 'opening', opening }).catch(() => undefined)
      for (let i = 0; i < 4 && !isOver; i++, waited += 1000) await clock.advance(1000)
    }
    expect(await slow).toMatchObject({ shown: 'withheld', reason: { code: 'verify.withheld' } })
    expect(waited, 'before the last one came').toBeLessThan(4000 * (answer.openings.length - 1))
  })

  it('asks nobody where nothing was signed, and stops when it is told to', async () => {
    const unsigned = await answerOf({ isCommitted: false })
    expect(await fetch(unsigned, componentsFor(undefined))).toMatchObject({ shown: 'unsigned' })
    const stop = new AbortController()
    stop.abort(new Error('left'))
    const stopped = fetch(
      await answerOf(),
      componentsFor(async () => undefined),
      stop.signal,
    )
    await expect(stopped).rejects.toThrow('left')
  })
})
