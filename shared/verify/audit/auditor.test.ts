import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PeerName } from '../../base/ids.ts'
import { MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Transcript } from '../../stream/transcript.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { countingRandom, makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { someVerdict } from '../../testing/verdicts.ts'
import type { SignedVerdict } from '../board/verdict-book.ts'
import { signVerdict } from '../verdict.ts'
import { Auditor, type AuditEvent, type AuditPorts, type ProbeAnswer } from './auditor.ts'
import { PROBE_DEADLINE_MS } from './constants.ts'
import type { CorpusPrompt } from './corpus/make-corpus.ts'
import type { AuditTarget } from './probe-schedule.ts'

const HOUR_MS = 60 * MINUTE_MS

describe('Auditor', () => {
  let clock: FakeClock
  let auditor: Auditor
  let verifier: TestPeer
  let targets: AuditTarget[]
  let asked: { prompt: CorpusPrompt; provider: PeerName }[]
  let published: SignedVerdict[]
  let events: AuditEvent[]
  let released: number
  let ports: { -readonly [Name in keyof AuditPorts]: AuditPorts[Name] }

  beforeEach(async () => {
    clock = new FakeClock()
    verifier = await makePeer()
    targets = [{ provider: (await makePeer()).name, model: someModel() }]
    asked = []
    published = []
    events = []
    released = 0
    ports = {
      targets: async () => targets,
      ask: async (prompt, { provider }) => {
        asked.push({ prompt, provider })
        return answerOf(provider)
      },
      check: async ({ transcript }) => {
        const verdict = someVerdict({ name: transcript.provider }, { at: clock.now() })
        return { verifier: verifier.name, verdict, signed: await signVerdict(verdict, verifier.key) }
      },
      publish: async (verdict) => published.push(verdict),
    }
  })
  afterEach(() => auditor.stop())

  const answerOf = (provider: PeerName): ProbeAnswer => ({
    transcript: { provider } as unknown as Transcript,
    release: async () => void released++,
  })
  const start = (probesPerHour = 10): void => {
    const onEvent = (event: AuditEvent): void => void events.push(event)
    auditor = new Auditor({ clock, random: countingRandom(7), ports, onEvent }, { probesPerHour })
    auditor.start()
  }

  const untilAsked = async (): Promise<void> => {
    for (let i = 0; i < 100 && asked.length === 0; i++) await clock.advance(SECOND_MS * 6)
    expect(asked).toHaveLength(1)
  }

  it('asks, has it checked and publishes the verdict, within its budget, each time with another prompt', async () => {
    start()
    await clock.advance(3 * HOUR_MS)
    expect(asked.length).toBeGreaterThan(15)
    expect(asked.length).toBeLessThanOrEqual(30)
    expect(published).toHaveLength(asked.length)
    expect(released).toBe(asked.length)
    expect(published[0]?.verifier).toBe(verifier.name)
    expect(new Set(asked.map(({ prompt }) => prompt.turns.join('\n'))).size).toBe(asked.length)
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['probed']))
    expect(events[0]).toMatchObject({ target: targets[0], report: { verdict: { outcome: 'agrees' } } })
  })

  it.each<['ask' | 'check' | 'publish']>([['ask'], ['check'], ['publish']])(
    'goes on after a probe that could not %s, and says why',
    async (at) => {
      const works = ports[at]
      Object.assign(ports, { [at]: () => Promise.reject(new InfernetError('stream.provider-lost')) })
      start()
      await clock.advance(HOUR_MS)
      expect(events[0]).toMatchObject({ type: 'failed', at, reason: { code: 'stream.provider-lost' } })
      expect(published).toEqual([])
      Object.assign(ports, { [at]: works })
      events = []
      await clock.advance(HOUR_MS)
      expect(events[0]).toMatchObject({ type: 'probed' })
    },
  )

  it('accuses nobody of what another one answered', async () => {
    const other = await makePeer()
    ports.ask = async () => answerOf(other.name)
    start()
    await clock.advance(HOUR_MS)
    expect(events[0]).toMatchObject({ type: 'failed', at: 'ask', reason: { code: 'schedule.no-provider' } })
    expect(published).toEqual([])
  })

  it('gives up a provider that stalls, after its deadline', async () => {
    let isEnded = false
    ports.ask = (_prompt, _target, { signal }) =>
      new Promise(() => signal.addEventListener('abort', () => (isEnded = true)))
    const stalls = ports.ask
    ports.ask = (prompt, target, options) => {
      asked.push({ prompt, provider: target.provider })
      return stalls(prompt, target, options)
    }
    start()
    await untilAsked()
    await clock.advance(0.8 * PROBE_DEADLINE_MS)
    expect([isEnded, events]).toEqual([false, []])
    await clock.advance(0.2 * PROBE_DEADLINE_MS)
    expect(isEnded).toBe(true)
    expect(events[0]).toMatchObject({ type: 'failed', at: 'ask', reason: { code: 'wire.timeout' } })
  })

  it('waits while nobody is there or relays are away, and begins soon after', async () => {
    const all = targets
    targets = []
    start()
    await clock.advance(HOUR_MS)
    expect([asked, events]).toEqual([[], []])
    ports.targets = () => Promise.reject(new InfernetError('schedule.no-relay'))
    await clock.advance(MINUTE_MS)
    expect(events[0]).toMatchObject({ type: 'lost', reason: { code: 'schedule.no-relay' } })
    ports.targets = async () => all
    await clock.advance(2 * MINUTE_MS)
    expect(asked).toHaveLength(1)
  })

  it('says once that there are more providers than its budget reaches', async () => {
    const crowd = await Promise.all(Array.from({ length: 50 }, makePeer))
    targets = crowd.map(({ name }) => ({ provider: name, model: someModel() }))
    start(1)
    await clock.advance(4 * HOUR_MS)
    expect(events.filter(({ type }) => type === 'behind')).toEqual([{ type: 'behind', providers: 50 }])
  })

  it('ends the probe that runs when it is stopped, and tells of no failure', async () => {
    let isEnded = false
    ports.check = (_transcript, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          isEnded = true
          reject(new Error('stopped'))
        }),
      )
    start()
    await untilAsked()
    await auditor.stop()
    expect([isEnded, released]).toEqual([true, 1])
    await clock.advance(HOUR_MS)
    expect([asked.length, events.length]).toEqual([1, 0])
  })
})
