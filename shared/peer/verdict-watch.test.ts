import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chainAddress, jobId, peerName, type ModelHash, type PeerName } from '../base/ids.ts'
import { baseUnits, epochMillis, millis, MINUTE_MS, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { countingRandom, makePeer, someModel, type TestPeer } from '../testing/peers.ts'
import { someVerdict } from '../testing/verdicts.ts'
import { findVerdicts } from '../verify/board/find-records.ts'
import { localRecords } from '../verify/board/local-records.ts'
import { GoldenBook } from '../verify/board/golden-book.ts'
import { RemoteRecords, type RecordsPort } from '../verify/board/records-port.ts'
import { VerdictBook } from '../verify/board/verdict-book.ts'
import { openGolden } from '../verify/golden/golden-sketches.ts'
import { signVerdict, type Verdict } from '../verify/verdict.ts'
import { ANSWER_DEADLINE_MS } from '../wire/limits.ts'
import type { Accusation } from './accusation.ts'
import { VerdictWatch, type TestableModel } from './verdict-watch.ts'

const HOUR_MS = 60 * MINUTE_MS
/** A look comes within this: ten minutes and a tenth. */
const LOOKED_MS = 11 * MINUTE_MS
const TEST_MS = 5 * SECOND_MS

/** A model on a fake GPU, and what was told of it. */
class FakeModel implements TestableModel {
  readonly model: ModelHash
  readonly accusations: Accusation[] = []
  /** When its tests began. */
  readonly tests: number[] = []
  testedAt: EpochMillis
  fails: Error | undefined
  readonly #clock: FakeClock

  constructor(clock: FakeClock, digit: string) {
    this.model = someModel(digit)
    this.testedAt = clock.now()
    this.#clock = clock
  }
  get stages(): string[] {
    return this.accusations.map(({ state }) => state.stage)
  }
  tell(accusation: Accusation): void {
    this.accusations.push(accusation)
  }
  async test({ onTesting }: { readonly onTesting: () => void }): Promise<void> {
    onTesting()
    this.tests.push(this.#clock.monotonic())
    await sleep(this.#clock, millis(TEST_MS))
    if (this.fails) throw this.fails
    this.testedAt = this.#clock.now()
  }
}

describe('VerdictWatch', () => {
  let clock: FakeClock
  let provider: TestPeer
  let stranger: TestPeer
  let auditor: TestPeer
  let book: VerdictBook
  let ports: RecordsPort[]
  let models: FakeModel[]
  let relaysChange: () => void
  let looks: number
  let watch: VerdictWatch | undefined

  beforeEach(async () => {
    clock = new FakeClock()
    ;[provider, stranger, auditor] = await Promise.all([makePeer(), makePeer(), makePeer()])
    const operator = chainAddress(`0x${'9'.repeat(40)}`)
    const stakeOf = (name: PeerName) =>
      name === auditor.name ? { operator, stake: baseUnits(5n) } : undefined
    book = new VerdictBook({ clock, knows: () => true, stakeOf })
    ports = [relay()]
    models = [new FakeModel(clock, 'a')]
    looks = 0
  })
  afterEach(() => watch?.stop())

  const relay = (): RecordsPort =>
    localRecords(provider.name, {
      golden: new GoldenBook({ clock, random: countingRandom(), open: openGolden }),
      verdicts: book,
    })
  const start = async (): Promise<void> => {
    watch = new VerdictWatch({
      ...{ clock, random: countingRandom(), models: () => models },
      find: ({ signal }) => {
        looks++
        return findVerdicts(ports, provider.name, { now: () => clock.now(), signal })
      },
      hasRelays: () => ports.length > 0,
      onRelays: (callback) => {
        relaysChange = callback
        return () => undefined
      },
    })
    await clock.advance(0)
  }
  let jobs = 0
  const say = async (who: TestPeer, changes: Partial<Verdict> = {}): Promise<void> => {
    const job = jobId((++jobs).toString(16).padStart(32, '0'))
    const differs = { jobId: job, outcome: 'differs', difference: 'tokens', at: clock.now() } as const
    const verdict = someVerdict(provider, { model: models[0]!.model, ...differs, ...changes })
    await book.publish({ verifier: who.name, verdict: await signVerdict(verdict, who.key) })
  }

  it('has a model tested of which somebody says that an answer differs, and tells what came of it', async () => {
    const [model] = models as [FakeModel]
    await start()
    expect(looks).toBe(1)
    await clock.advance(MINUTE_MS)
    const at = clock.now()
    await say(stranger)
    await clock.advance(LOOKED_MS)
    expect(model.stages).toEqual(['waiting', 'testing', 'passed'])
    expect(model.accusations[0]).toEqual({
      ...{ verifier: stranger.name, model: model.model, difference: 'tokens', at, isStaked: false },
      class: { backend: 'wasm', adapter: 'wasm simd', build: 'onnxruntime-web 1' },
      state: { stage: 'waiting' },
    })
    expect(model.testedAt).toBeGreaterThan(at)
    await clock.advance(3 * HOUR_MS)
    expect(model.tests, 'it is answered').toHaveLength(1)
  })

  it('looks at once when the first relay comes, and not at each that comes and goes', async () => {
    ports = []
    await start()
    expect(looks).toBe(0)
    ports = [relay()]
    relaysChange()
    await clock.advance(0)
    expect(looks).toBe(1)
    for (let i = 0; i < 50; i++) relaysChange()
    await clock.advance(MINUTE_MS)
    expect(looks).toBe(1)
    ports = []
    await clock.advance(HOUR_MS)
    ports = [relay()]
    await clock.advance(LOOKED_MS)
    expect(looks).toBe(2)
  })

  it('minds nothing that is older than the last self-test, agrees, or is of a model that is not lent', async () => {
    await start()
    await say(stranger)
    await clock.advance(SECOND_MS)
    models[0]!.testedAt = clock.now()
    await clock.advance(SECOND_MS)
    await say(stranger, { outcome: 'agrees', difference: undefined })
    await say(stranger, { outcome: 'inconclusive', reason: 'too-short', difference: undefined })
    await say(stranger, { model: someModel('e') })
    await clock.advance(2 * HOUR_MS)
    expect(models[0]!.accusations).toEqual([])
  })

  it('minds nothing that is forged, of another provider, its own word, or rubbish', async () => {
    const other = await makePeer()
    await start()
    await clock.advance(SECOND_MS)
    const signed = async (who: TestPeer, about: TestPeer) => {
      const verdict = someVerdict(about, {
        ...{ model: models[0]!.model, outcome: 'differs', difference: 'tokens', at: clock.now() },
      })
      return signVerdict(verdict, who.key)
    }
    const served = [
      { verifier: auditor.name, verdict: await signed(stranger, provider) },
      { verifier: stranger.name, verdict: await signed(stranger, other) },
      { verifier: provider.name, verdict: await signed(provider, provider) },
      { verifier: stranger.name, verdict: { body: new Uint8Array(9), signature: new Uint8Array(64) } },
    ]
    const lying: RecordsPort = {
      ...relay(),
      findVerdicts: async () => served.map((each) => ({ ...each, staked: undefined })),
    }
    ports = [lying]
    await clock.advance(LOOKED_MS)
    expect(looks).toBe(2)
    expect(models[0]!.accusations).toEqual([])
    served.push({ verifier: stranger.name, verdict: await signed(stranger, provider) })
    await clock.advance(SECOND_MS + LOOKED_MS)
    expect(models[0]!.tests, 'the same relay may say something true').toHaveLength(1)
  })

  it('hears the others where a relay does not answer', async () => {
    const silent = new RemoteRecords({
      ...{ clock, relay: peerName('relay') },
      openStream: () => new Promise(() => undefined),
    })
    ports = [silent]
    await start()
    await clock.advance(ANSWER_DEADLINE_MS + SECOND_MS)
    await say(stranger)
    ports = [silent, relay()]
    await clock.advance(LOOKED_MS + ANSWER_DEADLINE_MS + TEST_MS)
    expect(models[0]!.stages).toEqual(['waiting', 'testing', 'passed'])
  })

  it('tests once an hour at most, and says when the next is', async () => {
    const [model] = models as [FakeModel]
    await start()
    await clock.advance(SECOND_MS)
    await say(stranger)
    await clock.advance(LOOKED_MS)
    expect(model.tests).toHaveLength(1)
    await say(stranger)
    await clock.advance(LOOKED_MS)
    const last = model.accusations.at(-1)?.state
    expect(last?.stage).toBe('resting')
    const restMs = last?.stage === 'resting' ? last.until - clock.now() : 0
    expect(restMs).toBeGreaterThan(0)
    await clock.advance(restMs)
    await clock.advance(SECOND_MS + TEST_MS)
    expect(model.stages.slice(-3)).toEqual(['waiting', 'testing', 'passed'])
    expect(model.tests[1]! - model.tests[0]!).toBeGreaterThanOrEqual(HOUR_MS)
  })

  it('cannot be kept busy: a thousand verdicts by throw-away keys cause one test an hour', async () => {
    const [model] = models as [FakeModel]
    await start()
    const begun = clock.monotonic()
    for (let tens = 0; tens < 100; tens++) {
      await clock.advance(3 * MINUTE_MS)
      const crowd = await Promise.all(Array.from({ length: 10 }, () => makePeer()))
      // Some say so of the future, which the relay takes within minutes.
      for (const [i, who] of crowd.entries())
        await say(who, { at: epochMillis(clock.now() + (i % 2) * 4 * MINUTE_MS) })
    }
    expect(clock.monotonic() - begun).toBe(5 * HOUR_MS)
    expect(model.tests.length).toBeGreaterThan(1)
    expect(model.tests.length).toBeLessThanOrEqual(5)
    for (const [i, at] of model.tests.entries())
      if (i > 0) expect(at - model.tests[i - 1]!).toBeGreaterThanOrEqual(HOUR_MS)
    expect(looks, 'relays are asked once a minute at most').toBeLessThanOrEqual(5 * 60 + 1)
  }, 30_000)

  it('has one of several models tested in an hour: first what an auditor with stake says, then the newest', async () => {
    models = ['a', 'b', 'c'].map((digit) => new FakeModel(clock, digit))
    const [a, b, c] = models as [FakeModel, FakeModel, FakeModel]
    await start()
    await clock.advance(SECOND_MS)
    await say(auditor, { model: b.model })
    await clock.advance(SECOND_MS)
    await say(stranger, { model: a.model })
    await clock.advance(SECOND_MS)
    await say(stranger, { model: c.model })
    await clock.advance(LOOKED_MS)
    expect([a, b, c].map(({ tests }) => tests.length)).toEqual([0, 1, 0])
    expect(b.accusations[0]?.isStaked).toBe(true)
    await clock.advance(HOUR_MS)
    expect([a, b, c].map(({ tests }) => tests.length)).toEqual([0, 1, 1])
    await clock.advance(HOUR_MS)
    expect([a, b, c].map(({ tests }) => tests.length)).toEqual([1, 1, 1])
  })

  it('waits until its own clock has passed what is said: its test is newer then', async () => {
    const [model] = models as [FakeModel]
    await start()
    await clock.advance(SECOND_MS)
    const at = epochMillis(clock.now() + LOOKED_MS - MINUTE_MS)
    await clock.advance(LOOKED_MS - 5 * MINUTE_MS)
    await say(stranger, { at })
    await clock.advance(LOOKED_MS)
    expect(model.stages).toEqual(['waiting', 'testing', 'passed'])
    expect(model.testedAt).toBeGreaterThan(at)
  })

  it('says that it failed, or could not be tested; the latter is tried again after an hour', async () => {
    const [model] = models as [FakeModel]
    await start()
    await clock.advance(SECOND_MS)
    const reason = new InfernetError('stream.busy', { running: 1 })
    model.fails = reason
    await say(stranger)
    await clock.advance(LOOKED_MS)
    expect(model.accusations.at(-1)?.state).toEqual({ stage: 'undecided', reason })
    model.fails = new InfernetError('engine.self-test-failed', { wrong: 3, total: 15 })
    await clock.advance(HOUR_MS + MINUTE_MS)
    expect(model.accusations.at(-1)?.state).toEqual({ stage: 'failed', reason: model.fails })
    expect(model.tests).toHaveLength(2)
  })

  it('says nothing and asks nobody any more when it is stopped', async () => {
    await start()
    await clock.advance(SECOND_MS)
    await say(stranger)
    watch?.stop()
    await clock.advance(2 * HOUR_MS)
    expect([looks, models[0]!.accusations]).toEqual([1, []])
  })
})
