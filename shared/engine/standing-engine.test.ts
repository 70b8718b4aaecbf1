import { describe, expect, it } from 'vitest'
import type { Clock } from '../base/clock.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { COMPLIANCE_MAX_WAITING, collect, runEngineCompliance } from '../testing/engine-compliance.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { realClock } from '../testing/real-clock.ts'
import type { TestedEngine } from './create-engine.ts'
import type { GenerateRequest } from './engine.ts'
import { SKETCH_SIZE } from './score/sketch.ts'
import { createStandingEngine, type StandingEngine, type StandingInit } from './standing-engine.ts'

const selfTest = { right: 3, total: 3, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
const lostDevice = (): Error => new InfernetError('engine.device-lost')
const request: GenerateRequest = {
  promptTokens: [5, 6, 7],
  priorTokens: [],
  sampler: { temperature: 1, topP: 1 },
  seed: new Uint8Array(32).fill(9),
  maxTokens: 40,
}

/** A start that gives fakes, one after the other, and whatever a test puts in the way. */
function fakes(clock: Clock, init: { tokensPerSecond?: number; maxWaiting?: number } = {}) {
  const started: FakeEngine[] = []
  /** What the next starts throw, in order; undefined starts well. */
  const failures: (Error | undefined)[] = []
  const signals: AbortSignal[] = []
  return {
    started,
    failures,
    signals,
    start: async (signal: AbortSignal): Promise<TestedEngine> => {
      signals.push(signal)
      const failure = failures.shift()
      if (failure) throw failure
      const fake = createFakeEngine({ clock, ...init, info: { adapter: `fake ${started.length}` } })
      started.push(fake)
      return Object.assign(fake, { selfTest: { ...selfTest, right: started.length } })
    },
  }
}

runEngineCompliance('an engine that is kept up', {
  create: () =>
    createStandingEngine({
      clock: realClock,
      ...fakes(realClock, { tokensPerSecond: 500, maxWaiting: COMPLIANCE_MAX_WAITING }),
    }),
  promptTokens: [5, 6, 7],
})

/** A standing engine on a clock that a test moves. */
async function standing(init: StandingInit = {}, tokensPerSecond = 10) {
  const clock = new FakeClock()
  const world = fakes(clock, { tokensPerSecond })
  const engine = await createStandingEngine({ clock, start: world.start }, init)
  const stages: string[] = []
  engine.onChange(() => stages.push(engine.state.stage))
  return { clock, engine, stages, ...world, latest: () => world.started.at(-1)! }
}

/** Drains an answer in the background and tells what came of it. */
function read(engine: StandingEngine, change: Partial<GenerateRequest> = {}, signal?: AbortSignal) {
  const seen = {
    tokens: [] as number[],
    sketches: [] as number[],
    finish: undefined as unknown,
    error: undefined as unknown,
  }
  const reading = (async () => {
    try {
      for await (const batch of engine.generate({ ...request, ...change }, { signal })) {
        seen.tokens.push(...batch.tokens)
        seen.sketches.push(...(batch.sketches ?? []))
        seen.finish = batch.finish
      }
    } catch (error) {
      seen.error = error
    }
  })()
  return Object.assign(seen, { reading })
}

const whole = await collect(createFakeEngine({ clock: realClock }), { ...request, sketches: true })
const undisturbed = { ...whole, sketches: [...whole.sketches] }

describe('createStandingEngine', () => {
  it('goes on with every running answer when the device is lost, and nobody can see the seam', async () => {
    const { engine, clock, latest, started, stages } = await standing()
    const sketches = true
    const answers = [
      read(engine, { sketches }),
      read(engine, { sketches }),
      read(engine, { maxTokens: 7, sketches }),
    ]
    await clock.advance(1050)
    latest().breakDown(lostDevice())
    await clock.advance(900)
    latest().breakDown(lostDevice())
    await clock.advance(30_000)
    for (const answer of answers) await answer.reading
    expect(answers[0]).toMatchObject(undisturbed)
    expect(answers[1]).toMatchObject(undisturbed)
    expect(answers[2]).toMatchObject({
      tokens: undisturbed.tokens.slice(0, 7),
      sketches: undisturbed.sketches.slice(0, 7 * SKETCH_SIZE),
      finish: 'length',
    })
    expect(started).toHaveLength(3)
    expect(stages).toEqual(['restarting', 'up', 'restarting', 'up'])
  })

  it('scores again in the next engine what a death interrupted', async () => {
    const { engine, clock, latest, started } = await standing()
    const { promptTokens, sampler, seed } = request
    const text = { promptTokens, sampler, seed, outputTokens: [...undisturbed.tokens] }
    const scores = await engine.score(text)
    expect(scores.map(({ margin }) => margin)).toEqual(undisturbed.tokens.map(() => 0))
    started[0]!.score = async () => {
      latest().breakDown(lostDevice())
      throw lostDevice()
    }
    const again = engine.score(text)
    await clock.advance(100)
    expect(await again).toEqual(scores)
    expect(started).toHaveLength(2)
    await expect(engine.score({ ...text, outputTokens: [] })).rejects.toMatchObject({
      code: 'prompt.bad-parameters',
    })
  })

  it('shows the newest engine’s facts', async () => {
    const { engine, clock, latest } = await standing()
    expect(engine.info.adapter).toBe('fake 0')
    latest().breakDown(lostDevice())
    await clock.advance(100)
    expect(engine.info.adapter).toBe('fake 1')
    expect(engine.selfTest.right).toBe(2)
    expect(engine.state).toEqual({ stage: 'up' })
  })

  it('tries again with growing pauses, tells why it waits, and lets what comes meanwhile wait too', async () => {
    const { engine, clock, latest, failures, started } = await standing()
    failures.push(new InfernetError('engine.no-adapter'), new InfernetError('engine.out-of-memory'))
    latest().breakDown(lostDevice())
    await clock.advance(10)
    expect(engine.state).toMatchObject({
      stage: 'restarting',
      attempt: 2,
      reason: { code: 'engine.no-adapter' },
    })
    const answer = read(engine, { maxTokens: 3 })
    await clock.advance(1000)
    expect(engine.state).toMatchObject({ attempt: 3, reason: { code: 'engine.out-of-memory' } })
    await clock.advance(6000)
    await answer.reading
    expect(answer.tokens).toHaveLength(3)
    expect(started).toHaveLength(2)
  })

  it('hands a job back with the named failure when no engine comes in time', async () => {
    const { engine, clock, latest, failures } = await standing({ resumeDeadlineMs: 3000 })
    failures.push(...Array.from({ length: 3 }, () => new InfernetError('engine.no-adapter')))
    const answer = read(engine)
    await clock.advance(500)
    latest().breakDown(lostDevice())
    await clock.advance(3100)
    expect(answer.error).toMatchObject({ code: 'engine.no-adapter' })
    expect(answer.tokens.length).toBeGreaterThan(2)
    expect(engine.state.stage).toBe('restarting')
    await clock.advance(60_000)
    expect(engine.state.stage).toBe('up')
    const next = read(engine, { maxTokens: 2 })
    await clock.advance(1000)
    expect(next.tokens).toHaveLength(2)
  })

  it('gives up after five tries in a row, and only then counts as lost', async () => {
    const { engine, clock, latest, failures, signals } = await standing()
    let lost: Error | undefined
    void engine.lost.then((error) => (lost = error))
    failures.push(...Array.from({ length: 9 }, () => new InfernetError('engine.no-adapter')))
    latest().breakDown(lostDevice())
    await clock.advance(40_000)
    expect(lost).toBeUndefined()
    await clock.advance(40_000)
    expect(lost).toMatchObject({ code: 'engine.no-adapter' })
    expect(signals).toHaveLength(6)
    expect(engine.state).toMatchObject({ stage: 'ended', reason: { code: 'engine.no-adapter' } })
    await expect(collect(engine, request)).rejects.toMatchObject({ code: 'engine.no-adapter' })
  })

  it('forgets old tries once an engine has run for a minute', async () => {
    const { engine, clock, latest, started } = await standing()
    for (let i = 0; i < 8; i++) {
      latest().breakDown(lostDevice())
      await clock.advance(100_000)
    }
    expect(started).toHaveLength(9)
    expect(engine.state.stage).toBe('up')
  })

  it('does not try again what failed its self-test: a wrong GPU stays wrong', async () => {
    const { engine, clock, latest, failures, signals } = await standing()
    failures.push(new InfernetError('engine.self-test-failed', { wrong: 2, total: 15 }))
    latest().breakDown(lostDevice())
    await clock.advance(10)
    expect(await engine.lost).toMatchObject({ code: 'engine.self-test-failed', facts: { wrong: 2 } })
    expect(signals).toHaveLength(2)
  })

  it('hands back a job that has seen three engines die: it may be the cause', async () => {
    const { engine, clock, latest } = await standing()
    const answer = read(engine)
    for (const untilDeath of [300, 300, 1300]) {
      await clock.advance(untilDeath)
      latest().breakDown(lostDevice())
      await clock.advance(50)
    }
    await answer.reading
    expect(answer.error).toMatchObject({ code: 'engine.device-lost' })
  })

  it('leaves the failure of a request to the request', async () => {
    const { engine, clock, started } = await standing()
    for (const [bad, code] of [
      [{ promptTokens: [-1] }, 'engine.bad-token'],
      [{ maxTokens: 0 }, 'prompt.bad-parameters'],
    ] as const) {
      const answer = read(engine, bad)
      await clock.advance(10)
      expect(answer.error).toMatchObject({ code })
    }
    expect(started).toHaveLength(1)
  })

  it('replaces an engine that hangs, and ends the stuck one through its signal', async () => {
    const { engine, clock, started, signals } = await standing({ hangMs: 20_000 })
    const hung = started[0]!
    hung.generate = () =>
      ({ next: () => new Promise(() => {}), return: () => new Promise(() => {}) }) as never
    const answer = read(engine, { maxTokens: 5 })
    await clock.advance(19_000)
    expect(started).toHaveLength(1)
    await clock.advance(10_000)
    await answer.reading
    expect(answer.tokens).toEqual(undisturbed.tokens.slice(0, 5))
    expect(signals[0]?.reason).toMatchObject({ code: 'engine.crashed', facts: { reason: 'hang' } })
  })

  it('takes no engine for stuck because this page stood still', async () => {
    const { engine, clock, started } = await standing({ hangMs: 20_000 }, 0.1)
    const answer = read(engine, { maxTokens: 3 })
    await clock.advance(1000)
    // Frozen for an hour, the engine's worker as well: time jumps, and every timer comes late.
    Object.assign(clock, { monotonic: () => clock.now() + 3_600_000 })
    await clock.advance(40_000)
    await answer.reading
    expect(answer.tokens).toEqual(undisturbed.tokens.slice(0, 3))
    expect(started).toHaveLength(1)
  })

  it('gives a job with broken numbers back, and starts and tests the engine anew, but not for each', async () => {
    const { engine, clock, started } = await standing()
    const broken = async function* (): AsyncGenerator<never, void, void> {
      throw new InfernetError('engine.bad-logits')
    }
    started[0]!.generate = broken
    const first = read(engine)
    await clock.advance(100)
    expect(first.error).toMatchObject({ code: 'engine.bad-logits' })
    expect(started).toHaveLength(2)
    started[1]!.generate = broken
    const second = read(engine)
    await clock.advance(100)
    expect(second.error).toMatchObject({ code: 'engine.bad-logits' })
    expect(started).toHaveLength(2)
  })

  it('can be called off while a job waits for the next engine', async () => {
    const { engine, clock, latest, failures } = await standing()
    failures.push(...Array.from({ length: 4 }, () => new InfernetError('engine.no-adapter')))
    const calledOff = new AbortController()
    const answer = read(engine, {}, calledOff.signal)
    await clock.advance(300)
    latest().breakDown(lostDevice())
    await clock.advance(100)
    calledOff.abort(new Error('enough'))
    await clock.advance(0)
    expect(answer.error).toMatchObject({ message: 'enough' })
  })

  it('ends a start that is under way when it is closed, and everything that waits for it', async () => {
    const { engine, clock, latest, signals, started, failures } = await standing()
    failures.push(new InfernetError('engine.no-adapter'))
    const answer = read(engine)
    await clock.advance(300)
    latest().breakDown(lostDevice())
    await clock.advance(100)
    await engine.close()
    await clock.advance(60_000)
    expect(answer.error).toMatchObject({ code: 'engine.closed' })
    expect(started).toHaveLength(1)
    expect(signals).toHaveLength(2)
    await expect(collect(engine, request)).rejects.toMatchObject({ code: 'engine.closed' })
  })

  it('is started, stopped and started again', async () => {
    const clock = new FakeClock()
    const world = fakes(clock)
    for (let i = 0; i < 3; i++) {
      const engine = await createStandingEngine({ clock, start: world.start })
      expect((await collect(engine, request)).tokens).toEqual(undisturbed.tokens)
      await engine.close()
    }
    expect(world.started).toHaveLength(3)
  })

  it('throws what the first start throws, and starts nothing when it is called off already', async () => {
    const clock = new FakeClock()
    const { start, failures, signals } = fakes(clock)
    failures.push(new InfernetError('models.corrupt'))
    await expect(createStandingEngine({ clock, start })).rejects.toMatchObject({ code: 'models.corrupt' })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(createStandingEngine({ clock, start }, {}, { signal })).rejects.toThrow('enough')
    expect(signals).toHaveLength(1)
  })
})
