import { describe, expect, it } from 'vitest'
import type { ModelHash } from '../base/ids.ts'
import { epochMillis, millis, MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { StandingEngine } from '../engine/standing-engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine } from '../testing/fake-engine.ts'
import { someModel } from '../testing/peers.ts'
import { ProviderShelf, type ShelfComponents, type ShelfInit } from './provider-shelf.ts'
import type { Measured } from './shelved-engine.ts'

const [A, B, C] = [someModel('a'), someModel('b'), someModel('c')]
const LOAD_MS = 20 * SECOND_MS
const STAY_MS = MINUTE_MS

/** A shelf over a GPU of which every load and unload is written down. */
function world(init: ShelfInit = {}, more: Partial<ShelfComponents> = {}) {
  const clock = new FakeClock()
  const log: string[] = []
  const failures = new Map<ModelHash, Error>()
  const engines = new Map<ModelHash, StandingEngine & { die: (reason: Error) => void }>()
  const letter = (model: ModelHash): string => model.slice(0, 1)

  const shelf = new ProviderShelf(
    {
      clock,
      async load(model, { signal }) {
        log.push(`+${letter(model)}`)
        await sleep(clock, millis(LOAD_MS), { signal })
        const failure = failures.get(model)
        if (failure) throw failure
        const fake = createFakeEngine({ clock, info: { model, decodeTokensPerSecond: 64 } })
        const { promise: lost, resolve: die } = Promise.withResolvers<Error>()
        const engine = Object.assign(Object.create(fake) as typeof fake, {
          selfTest: { right: 3, total: 3, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 },
          state: { stage: 'up' } as const,
          testedAt: clock.now(),
          testAgain: () => Promise.resolve(),
          onChange: () => () => undefined,
          lost,
          die,
          close: async () => void log.push(`-${letter(model)}`),
        })
        engines.set(model, engine)
        return engine
      },
      ...more,
    },
    init,
  )
  const measured = (model: ModelHash): Measured => ({
    info: createFakeEngine({ clock, info: { model, decodeTokensPerSecond: 64 } }).info,
    selfTest: { right: 3, total: 3, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 },
    testedAt: epochMillis(clock.now()),
    loadMs: millis(LOAD_MS),
  })
  /** On disk, and known from before. */
  const add = (...models: ModelHash[]) =>
    Promise.all(models.map((model) => shelf.add(model, { tier: 'disk', measured: measured(model) })))
  /** A job; `end` lets its model go. What became of it stands in `state`. */
  const job = (model: ModelHash, signal = new AbortController().signal) => {
    const told: { state: string; end: () => void } = { state: 'waits', end: () => undefined }
    shelf
      .placeOf(model)
      .take({ signal })
      .then(
        (end) => Object.assign(told, { state: 'runs', end }),
        (thrown: unknown) => Object.assign(told, { state: InfernetError.from(thrown).code }),
      )
    return told
  }
  const place = (model: ModelHash) => {
    const { tier, loadMs } = shelf.placeOf(model)
    return [tier, loadMs]
  }
  return { clock, log, failures, engines, shelf, add, job, place, measured }
}

describe('a shelf of models', () => {
  it('loads a model that it does not know once, and says what that took', async () => {
    const { clock, log, shelf, place } = world()
    const added = shelf.add(A, { tier: 'disk' })
    await clock.advance(LOAD_MS)
    await added
    expect(shelf.models).toEqual([{ model: A, tier: undefined }])
    expect(place(A)).toEqual([undefined, undefined])
    const other = shelf.add(B, { tier: 'disk' })
    await clock.advance(LOAD_MS)
    await other
    expect(log, 'none has to stay that no job was loaded for').toEqual(['+a', '-a', '+b'])
    expect(place(A), 'as long as it took').toEqual(['disk', LOAD_MS])
    expect(shelf.engineOf(A).selfTest).toMatchObject({ right: 3, total: 3 })
  })

  it('offers what it knows at once, and loads it when a job for it comes', async () => {
    const { clock, log, shelf, add, job, place } = world()
    await add(A, B)
    expect([place(A), place(B), log]).toEqual([['disk', LOAD_MS], ['disk', LOAD_MS], []])
    const first = job(A)
    await clock.advance(5 * SECOND_MS)
    expect(place(A), 'the rest of its load').toEqual(['disk', LOAD_MS - 5 * SECOND_MS])
    expect(place(B), 'the rest, the other’s time, its own load').toEqual([
      'disk',
      LOAD_MS - 5 * SECOND_MS + STAY_MS + LOAD_MS,
    ])
    await clock.advance(LOAD_MS)
    expect(first.state).toBe('runs')
    expect(shelf.models).toEqual([
      { model: A, tier: undefined },
      { model: B, tier: 'disk' },
    ])
  })

  it('takes what its owner has loaded already, and lets it leave at once, as what its owner brings back', async () => {
    const { clock, log, shelf, add, job, place, engines } = world()
    await add(B)
    const first = shelf.bring(B)
    await clock.advance(LOAD_MS)
    await first
    const engine = engines.get(B)!
    await shelf.remove(B)
    shelf.adopt(A, { tier: 'disk' }, { engine, loadMs: millis(LOAD_MS) })
    expect(place(A)).toEqual([undefined, undefined])
    expect(() => shelf.adopt(A, { tier: 'disk' }, { engine, loadMs: millis(1) })).toThrow()
    await add(B)
    const other = job(B)
    await clock.advance(0)
    expect([shelf.loading, place(A)]).toEqual([B, ['disk', LOAD_MS + STAY_MS + LOAD_MS]])
    await clock.advance(LOAD_MS)
    expect(other.state).toBe('runs')
    other.end()
    await clock.advance(STAY_MS)
    const back = shelf.bring(A)
    await clock.advance(LOAD_MS)
    await back
    const again = job(B)
    await clock.advance(LOAD_MS)
    expect([again.state, log]).toEqual(['runs', ['+b', '-b', '-b', '+b', '-b', '+a', '-a', '+b']])
  })

  it('lets running jobs end before it swaps, and takes none for the one that leaves meanwhile', async () => {
    const { clock, log, add, job, place } = world()
    await add(A, B)
    const first = job(A)
    await clock.advance(LOAD_MS + STAY_MS)
    const other = job(B)
    const late = job(A)
    await clock.advance(10 * MINUTE_MS)
    expect([first.state, other.state, late.state, ...log]).toEqual(['runs', 'waits', 'waits', '+a'])
    expect(place(B), 'an answer of ordinary length, and its load').toEqual(['disk', 2000 + LOAD_MS])
    first.end()
    first.end()
    await clock.advance(LOAD_MS)
    expect([other.state, late.state, ...log]).toEqual(['runs', 'waits', '+a', '-a', '+b'])
    other.end()
    await clock.advance(STAY_MS + LOAD_MS)
    expect([late.state, ...log.slice(3)]).toEqual(['runs', '-b', '+a'])
  })

  it('cannot be made to load all day by two who ask in turn', async () => {
    const { clock, log, add, job } = world()
    await add(A, B)
    let jobs: { end: () => void }[] = []
    for (let asked = 0; asked < 120; asked++) {
      jobs = [...jobs, job(A), job(B)]
      await clock.advance(5 * SECOND_MS)
      for (const each of jobs) each.end()
    }
    const loads = log.filter((line) => line.startsWith('+')).length
    expect(loads).toBeGreaterThan(2)
    expect(loads, 'ten minutes of a load and its time each').toBeLessThanOrEqual(
      Math.ceil((600 * SECOND_MS) / (LOAD_MS + STAY_MS)),
    )
  })

  it('takes jobs for a loaded model as long as it has to stay, though another one waits', async () => {
    const { clock, add, job } = world()
    await add(A, B)
    job(A).end()
    await clock.advance(LOAD_MS)
    const other = job(B)
    const more = job(A)
    await clock.advance(SECOND_MS)
    expect([other.state, more.state]).toEqual(['waits', 'runs'])
  })

  it('keeps a model whose room nobody wants any more, and serves who waited for it', async () => {
    const { clock, log, add, job } = world()
    await add(A, B)
    const first = job(A)
    await clock.advance(LOAD_MS + STAY_MS)
    const gone = new AbortController()
    const other = job(B, gone.signal)
    const late = job(A)
    await clock.advance(SECOND_MS)
    expect([other.state, late.state]).toEqual(['waits', 'waits'])
    gone.abort(new InfernetError('stream.cancelled'))
    await clock.advance(0)
    expect([first.state, other.state, late.state]).toEqual(['runs', 'stream.cancelled', 'runs'])
    expect(log).toEqual(['+a'])
  })

  it('loads as many as fit, the one that was not used for longest making room', async () => {
    const { clock, log, add, job, place } = world({}, { fits: (models) => models.length <= 2 })
    await add(A, B, C)
    job(A)
    const second = job(B)
    expect(place(B), 'beside it, so nobody has to leave').toEqual(['disk', 2 * LOAD_MS])
    await clock.advance(2 * LOAD_MS)
    second.end()
    const third = job(C)
    await clock.advance(STAY_MS + LOAD_MS)
    expect([third.state, ...log]).toEqual(['runs', '+a', '+b', '-b', '+c'])
  })

  it('refuses more who wait than it has room for', async () => {
    const { clock, add, job } = world({ maxWaiting: 2 })
    await add(A, B)
    const jobs = [job(A), job(B), job(B)]
    await clock.advance(0)
    expect(jobs.map(({ state }) => state)).toEqual(['waits', 'waits', 'stream.busy'])
  })

  it('tells who waits why a load failed, rests, tries again, and gives up in the end', async () => {
    const { clock, failures, shelf, add, job } = world()
    await add(A)
    const engine = shelf.engineOf(A)
    let lost: Error | undefined
    void engine.lost.then((reason) => (lost = reason))
    failures.set(A, new InfernetError('engine.out-of-memory'))
    for (const restMs of [MINUTE_MS, 2 * MINUTE_MS]) {
      const tried = job(A)
      await clock.advance(LOAD_MS)
      expect(tried.state).toBe('engine.out-of-memory')
      expect(engine.state).toMatchObject({ stage: 'restarting' })
      const early = job(A)
      await clock.advance(restMs - SECOND_MS)
      expect(early.state, 'not tried again at once').toBe('engine.out-of-memory')
      expect(lost).toBeUndefined()
      await clock.advance(SECOND_MS)
      expect(engine.state).toEqual({ stage: 'up' })
    }
    job(A)
    await clock.advance(LOAD_MS)
    expect(engine.state).toMatchObject({ stage: 'ended' })
    expect(lost).toMatchObject({ code: 'engine.out-of-memory' })
  })

  it('takes a slow load at once for what it promises, and a quick one by and by', async () => {
    const { clock, shelf, measured, job, place } = world()
    await shelf.add(A, { tier: 'disk', measured: { ...measured(A), loadMs: millis(LOAD_MS / 2) } })
    await shelf.add(B, { tier: 'disk', measured: measured(B) })
    const first = job(A)
    await clock.advance(LOAD_MS)
    first.end()
    const other = job(B)
    await clock.advance(STAY_MS + LOAD_MS)
    other.end()
    await clock.advance(STAY_MS)
    expect(place(A), 'it took twice as long as was known').toEqual(['disk', LOAD_MS])
    job(A)
    await clock.advance(LOAD_MS)
  })

  it('offers a model again whose engine was lost for good, once it has rested', async () => {
    const { clock, engines, shelf, add, job, place } = world()
    await add(A)
    job(A).end()
    await clock.advance(LOAD_MS)
    engines.get(A)!.die(new InfernetError('engine.device-lost'))
    await clock.advance(0)
    expect(place(A)[0]).toBe('disk')
    expect(shelf.engineOf(A).state).toMatchObject({ stage: 'restarting' })
    await clock.advance(MINUTE_MS)
    const again = job(A)
    await clock.advance(LOAD_MS)
    expect(again.state).toBe('runs')
  })

  it('offers a model no more whose engine failed its self-test, on the GPU or at a load', async () => {
    const { clock, log, engines, failures, shelf, add, job } = world()
    await add(A, B)
    job(A).end()
    await clock.advance(LOAD_MS)
    const wrong = new InfernetError('engine.self-test-failed', { wrong: 1, total: 3 })
    const [first, second] = [shelf.engineOf(A), shelf.engineOf(B)]
    engines.get(A)!.die(wrong)
    await clock.advance(0)
    expect(first.state).toEqual({ stage: 'ended', reason: wrong })
    failures.set(B, wrong)
    const tried = job(B)
    await clock.advance(LOAD_MS)
    expect([tried.state, second.state]).toEqual([wrong.code, { stage: 'ended', reason: wrong }])
    await clock.advance(10 * MINUTE_MS)
    const late = [job(A), job(B)]
    await clock.advance(LOAD_MS)
    expect(late.map(({ state }) => state)).toEqual([wrong.code, wrong.code])
    expect(log).toEqual(['+a', '+b'])
  })

  it('refuses who waits for what is taken off, closes it, and loads what comes next', async () => {
    const { clock, log, shelf, add, job } = world()
    await add(A, B)
    const [first, other] = [job(A), job(B)]
    await clock.advance(SECOND_MS)
    await shelf.remove(A)
    await clock.advance(LOAD_MS)
    expect([first.state, other.state]).toEqual(['stream.draining', 'runs'])
    expect(log).toEqual(['+a', '+b'])
    await shelf.stop()
    expect(log.at(-1)).toBe('-b')
    expect(shelf.models).toEqual([])
  })

  it('holds eight models at most, each once', async () => {
    const { shelf, add } = world()
    await add(...[...'12345678'].map(someModel))
    await expect(add(A)).rejects.toMatchObject({ code: 'schedule.directory-full' })
    await shelf.remove(someModel('8'))
    await expect(add(someModel('1'))).rejects.toMatchObject({ code: 'stream.busy' })
    expect(() => shelf.engineOf(A)).toThrow(expect.objectContaining({ code: 'models.unknown' }) as Error)
  })

  it('answers with the loaded engine while it is held, and refuses when it is not loaded', async () => {
    const { clock, shelf, add, job } = world()
    await add(A)
    const request = { promptTokens: [1], priorTokens: [], seed: new Uint8Array(32), maxTokens: 1 }
    const ask = () =>
      shelf
        .engineOf(A)
        .generate({ ...request, sampler: { temperature: 0, topP: 1 } })
        .next()
    expect(ask).toThrow(expect.objectContaining({ code: 'engine.closed' }) as Error)
    job(A)
    await clock.advance(LOAD_MS)
    expect((await ask()).value).toMatchObject({ finish: 'length' })
  })
})
