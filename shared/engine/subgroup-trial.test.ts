import { describe, expect, it } from 'vitest'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine } from '../testing/fake-engine.ts'
import type { TestedEngine } from './create-engine.ts'
import { startByTrial, trialKey, type SubgroupResult } from './subgroup-trial.ts'

const DAY_MS = 24 * 3_600_000
const selfTest = { right: 3, total: 3, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
const wrong = new InfernetError('engine.self-test-failed', { wrong: 15, total: 15, operators: 'MatMul' })

/** A GPU on which an answer takes so long with and without the feature, or which fails with it. */
function gpu(speed: { withMs: number | Error; withoutMs: number; dies?: Error }) {
  const clock = new FakeClock()
  const kept = new Map<string, SubgroupResult>()
  const starts: boolean[] = []
  const open = new Set<TestedEngine>()
  let overlaps = 0
  async function start(subgroups: boolean): Promise<TestedEngine> {
    starts.push(subgroups)
    if (subgroups && speed.withMs instanceof Error) throw speed.withMs
    const ms = subgroups ? Number(speed.withMs) : speed.withoutMs
    const fake = createFakeEngine({ clock, answerLength: 30 })
    const engine: TestedEngine = {
      ...fake,
      selfTest,
      async *generate(request, options) {
        await sleep(clock, millis(ms))
        if (subgroups && speed.dies) throw speed.dies
        yield* fake.generate(request, options)
      },
      async close() {
        open.delete(engine)
      },
    }
    if (open.size > 0) overlaps++
    open.add(engine)
    return engine
  }
  const store = {
    read: async (key: string) => kept.get(key),
    write: async (key: string, result: SubgroupResult) => void kept.set(key, result),
  }
  async function run(key = 'a gpu', signal?: AbortSignal) {
    starts.length = 0
    const running = startByTrial({ clock, store, key, start }, { signal })
    running.catch(() => undefined)
    await clock.advance(10_000)
    const started = await running
    expect([...open]).toEqual([started.engine])
    expect(overlaps).toBe(0)
    open.clear()
    return started.result
  }
  return { clock, kept, starts, speed, run }
}

describe('startByTrial', () => {
  it('takes the feature where it is right and at least a twentieth faster, and knows it the next time', async () => {
    const { run, starts } = gpu({ withMs: 90, withoutMs: 100 })
    expect(await run()).toMatchObject({ on: true, why: 'faster', gain: expect.closeTo(1.11, 2) as number })
    expect(starts).toEqual([true, false, true])
    expect(await run()).toMatchObject({ on: true })
    expect(starts).toEqual([true])
  })

  it.each([97, 100, 140])('leaves it where an answer takes %d ms with it and 100 without', async (withMs) => {
    const { run, starts } = gpu({ withMs, withoutMs: 100 })
    expect(await run()).toMatchObject({ on: false, why: 'slower' })
    expect(starts).toEqual([true, false])
    expect(await run()).toMatchObject({ on: false })
    expect(starts).toEqual([false])
  })

  it('leaves it where it is wrong, however fast, and keeps which operators were', async () => {
    const { run, starts } = gpu({ withMs: wrong, withoutMs: 100 })
    expect(await run()).toMatchObject({ on: false, why: 'wrong', operators: 'MatMul', gain: undefined })
    expect(starts).toEqual([true, false])
    await run()
    expect(starts).toEqual([false])
  })

  it('tries again when the result is a month old, or is about something else', async () => {
    const { run, starts, clock } = gpu({ withMs: 140, withoutMs: 100 })
    await run()
    await run('another gpu')
    expect(starts).toEqual([true, false])
    await clock.advance(29 * DAY_MS)
    await run()
    expect(starts).toEqual([false])
    await clock.advance(2 * DAY_MS)
    await run()
    expect(starts).toEqual([true, false])
  })

  it('proves it anew at each start: what was right and is wrong now is turned off', async () => {
    const { run, starts, speed } = gpu({ withMs: 50, withoutMs: 100 })
    await run()
    speed.withMs = wrong
    expect(await run()).toMatchObject({ on: false, why: 'wrong' })
    expect(starts).toEqual([true, false])
    await run()
    expect(starts).toEqual([false])
  })

  it('trusts for a day only that it did not run', async () => {
    const { run, starts, clock } = gpu({ withMs: new InfernetError('engine.out-of-memory'), withoutMs: 100 })
    expect(await run()).toMatchObject({ on: false, why: 'failed' })
    await run()
    expect(starts).toEqual([false])
    await clock.advance(DAY_MS)
    await run()
    expect(starts).toEqual([true, false])
  })

  it('counts a device that is lost while it is measured as one on which it did not run', async () => {
    const lost = new InfernetError('engine.device-lost')
    const { run, starts } = gpu({ withMs: 50, withoutMs: 100, dies: lost })
    expect(await run()).toMatchObject({ on: false, why: 'failed' })
    expect(starts).toEqual([true, false])
  })

  it('throws what has nothing to do with the GPU, and the reason of the signal', async () => {
    const { run, kept } = gpu({ withMs: new InfernetError('models.truncated'), withoutMs: 100 })
    await expect(run()).rejects.toMatchObject({ code: 'models.truncated' })
    const other = gpu({ withMs: wrong, withoutMs: 100 })
    await expect(other.run('a gpu', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect([kept.size, other.kept.size]).toEqual([0, 0])
  })
})

it('a result’s key changes with the adapter, the browser, the runtime and the model', () => {
  const adapter = { vendor: 'acme', architecture: 'rocket', device: '1', description: 'driver 7' }
  const base = { adapter, browser: 'Chrome/156', runtime: '1.30.0', model: 'ab' }
  const keys = [
    base,
    { ...base, adapter: { ...adapter, description: 'driver 8' } },
    { ...base, browser: 'Chrome/157' },
    { ...base, runtime: '1.31.0' },
    { ...base, model: 'cd' },
  ].map((parts) => trialKey(parts))
  expect(new Set(keys).size).toBe(keys.length)
})
