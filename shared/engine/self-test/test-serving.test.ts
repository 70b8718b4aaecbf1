import { beforeEach, describe, expect, it } from 'vitest'
import { InfernetError } from '../../errors/infernet-error.ts'
import { collect } from '../../testing/engine-compliance.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../../testing/fake-engine.ts'
import { tagOf } from '../../wire/versions.ts'
import type { TestedEngine } from '../create-engine.ts'
import type { Engine, GenerateRequest } from '../engine.ts'
import type { Golden } from '../golden.ts'
import { createStandingEngine, type StandingEngine } from '../standing-engine.ts'
import { testServing } from './test-serving.ts'

const PROMPTS = [
  [5, 6, 7],
  [8, 9],
  [10, 11, 12, 13],
] as const
const clockOf = new FakeClock()

async function goldenOf(engine: Engine): Promise<Golden> {
  const cases: Golden['cases'] = []
  for (const prompt of PROMPTS) {
    const request: GenerateRequest = {
      ...{ promptTokens: prompt, priorTokens: [], sampler: { temperature: 0, topP: 1 } },
      ...{ seed: new Uint8Array(0), maxTokens: 4 },
    }
    cases.push({ prompt: [...prompt], tokens: [...(await collect(engine, request)).tokens] })
  }
  return { format: tagOf('file', 'golden'), cases }
}

const golden = await goldenOf(createFakeEngine({ clock: clockOf }))

/** An engine that is wrong from a moment on that a test says, and when it is. */
function turncoat(clock: FakeClock, streams = 1) {
  const right = createFakeEngine({ clock, info: { streams } })
  const wrong = createFakeEngine({ clock, answer: [9, 9, 9, 9, 9], info: { streams } })
  const state = { isWrong: (_running: number): boolean => false, running: 0 }
  const engine: FakeEngine = Object.assign(Object.create(right) as FakeEngine, {
    async *generate(...asked: Parameters<Engine['generate']>) {
      state.running++
      try {
        // Those who come together are counted before the first is answered.
        await Promise.resolve()
        yield* (state.isWrong(state.running) ? wrong : right).generate(...asked)
      } finally {
        state.running--
      }
    },
  })
  return { engine, state }
}

describe('the self-test of an engine that serves', () => {
  it('passes one that is right, alone and with others', async () => {
    const { engine } = turncoat(clockOf, 3)
    await expect(testServing(engine, golden, () => 0)).resolves.toBeUndefined()
  })

  it('counts the tokens that one gets wrong', async () => {
    const { engine, state } = turncoat(clockOf)
    state.isWrong = () => true
    await expect(testServing(engine, golden, () => 0)).rejects.toMatchObject({
      code: 'engine.self-test-failed',
      facts: { wrong: 12, total: 12 },
    })
  })

  it('finds one that is wrong only while it writes several answers', async () => {
    const { engine, state } = turncoat(clockOf, 3)
    state.isWrong = (running) => running > 1
    const failure = testServing(engine, golden, () => 0)
    await expect(failure).rejects.toMatchObject({ code: 'engine.self-test-failed', facts: { atOnce: 3 } })
    await expect(failure).rejects.toThrow('tokens wrong while it wrote 3 answers at once')
  })
})

describe('an engine that is kept up, tested again', () => {
  let clock: FakeClock
  let started: ReturnType<typeof turncoat>[]
  let engine: StandingEngine
  let failures: Error[]

  beforeEach(async () => {
    clock = new FakeClock()
    started = []
    failures = []
    const selfTest = { right: 12, total: 12, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1, golden }
    const start = async (): Promise<TestedEngine> => {
      const failure = failures.shift()
      if (failure) throw failure
      started.push(turncoat(clock))
      return Object.assign(started.at(-1)!.engine, { selfTest })
    }
    engine = await createStandingEngine({ clock, start })
  })

  it('says when it passed last, and goes on', async () => {
    const before = engine.testedAt
    let changes = 0
    engine.onChange(() => changes++)
    await clock.advance(5000)
    await engine.testAgain()
    expect(engine.testedAt).toBe(before + 5000)
    expect([engine.state.stage, changes, started.length]).toEqual(['up', 1, 1])
  })

  it('is given up when it fails, and no other is started', async () => {
    started[0]!.state.isWrong = () => true
    const code = 'engine.self-test-failed'
    await expect(engine.testAgain()).rejects.toMatchObject({ code })
    expect(engine.state).toMatchObject({ stage: 'ended', reason: { code } })
    await expect(engine.lost).resolves.toMatchObject({ code })
    await clock.advance(120_000)
    expect(started).toHaveLength(1)
  })

  it('takes the test of its successor where it dies meanwhile', async () => {
    const before = engine.testedAt
    const lost = new InfernetError('engine.device-lost')
    started[0]!.state.isWrong = () => {
      started[0]!.engine.breakDown(lost)
      throw lost
    }
    await clock.advance(1000)
    const tested = engine.testAgain()
    await clock.advance(60_000)
    await tested
    expect(started).toHaveLength(2)
    expect(engine.testedAt).toBeGreaterThan(before)
  })

  it('ends with the signal, and nothing is held against the engine', async () => {
    const stop = new AbortController()
    started[0]!.state.isWrong = () => {
      stop.abort(new InfernetError('stream.cancelled'))
      return true
    }
    await expect(engine.testAgain({ signal: stop.signal })).rejects.toMatchObject({
      code: 'stream.cancelled',
    })
    expect(engine.state.stage).toBe('up')
  })
})
