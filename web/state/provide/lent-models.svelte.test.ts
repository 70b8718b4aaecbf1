import { expect, it } from 'vitest'
import type { ModelHash } from '#shared/base/ids.ts'
import { modelHash } from '#shared/base/ids.ts'
import { epochMillis, millis, MINUTE_MS, SECOND_MS, tokens } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Measured } from '#shared/peer/shelved-engine.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { noClaims } from '../testing/memory-money.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { claimAlone, SMOL, TINY } from '../testing/samples.ts'
import { Provide } from './provide.svelte.ts'

const LOAD_MS = SECOND_MS

function shown(model: ModelHash): Measured {
  const { info, selfTest } = new MemoryEngine(model, 'webgpu', new FakeClock())
  return { info, selfTest, testedAt: epochMillis(1), loadMs: millis(7000) }
}

/** A page that lends Tiny, with SmolLM2 kept beside it and loaded here before. */
async function live(change: Partial<Scene> = {}, { others = true } = {}) {
  const clock = new FakeClock()
  const world = memoryServices(clock, {
    modelsHere: [TINY, SMOL],
    shown: new Map([[SMOL, shown(SMOL)]]),
    ...change,
  })
  const settings = new Settings(world.services.settings)
  settings.lendOthers.value = others
  const session = new Session(world.services, settings)
  const desk = new PaymentDesk(world.services, new Wallet(world.services), noClaims)
  const provide = new Provide(world.services, session, settings, desk)
  // Not started: a page that ticks once a second would make the minutes of these tests long.
  await session.modelsReady
  void provide.start()
  await clock.advance(SECOND_MS)
  await expect.poll(() => provide.stage, { interval: 5 }).toBe('live') // that part of the page is fetched
  await clock.advance(10)
  const of = (model: ModelHash) => world.provisions.findLast((each) => each.model === model)!
  const places = () => Object.fromEntries(provide.lent.map(({ choice, place }) => [choice.name, place]))
  /** A job that waits for its model; `end` lets it go. */
  const job = (model: ModelHash, signal = new AbortController().signal) => {
    const told: { state: string; end: () => void } = { state: 'waits', end: () => undefined }
    of(model)
      .terms.place!.take({ signal })
      .then(
        (end) => Object.assign(told, { state: 'runs', end }),
        (thrown: unknown) => Object.assign(told, { state: InfernetError.from(thrown).code }),
      )
    return told
  }
  return { ...world, clock, settings, session, provide, of, places, job }
}

it('lends one model alone unless the visitor wants more', async () => {
  const { provide, provisions, of } = await live({}, { others: false })
  expect([provisions.length, provide.lent, of(TINY).terms.place]).toEqual([1, [], undefined])
})

it('offers what is kept and known from before at once, from the disk and at its usual price, and loads it for a prompt', async () => {
  const { provide, provisions, engines, of, places, job, clock, settings, scene } = await live()
  settings.pricePerMillion.value = '5'
  expect(provisions.map(({ model }) => model)).toEqual([TINY, SMOL])
  expect(places()).toEqual({ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'kept' })
  expect(of(SMOL).terms.place).toMatchObject({ tier: 'disk', loadMs: 7000 })
  expect(
    engines.map(({ info }) => info.model),
    'nothing is loaded for the offer',
  ).toEqual([TINY])
  const [, smol] = provide.lent
  expect(provide.askedFor(smol!.choice)).toEqual(smol!.choice.suggestedPrice)
  expect(scene.held, 'no file of either may be deleted').toEqual(expect.arrayContaining([TINY, SMOL]))

  const asked = job(SMOL)
  await clock.advance(LOAD_MS / 2)
  expect(places()).toEqual({ 'Infernet Tiny': 'kept', 'SmolLM2 360M': 'loading' })
  await clock.advance(LOAD_MS)
  expect([asked.state, places()]).toEqual(['runs', { 'Infernet Tiny': 'kept', 'SmolLM2 360M': 'loaded' }])
  expect(engines.map(({ info, closed }) => [info.model, closed])).toEqual([
    [TINY, true],
    [SMOL, false],
  ])
})

it('counts what all of them serve together, and each alone', async () => {
  const { provide, of } = await live()
  of(TINY).addJob('asker1', 32)
  of(SMOL).addJob('asker2', 64)
  expect(provide.figures.jobs.map(({ model }) => model)).toEqual([TINY, SMOL])
  expect(provide.figures.served).toMatchObject({ tokens: 96, due: 3n * 32n * 200_000_000_000n })
  expect(provide.lent.map(({ running, due }) => [running, due])).toEqual([
    [1, 32n * 200_000_000_000n],
    [1, 64n * 200_000_000_000n],
  ])
})

it('pauses all of them, and ends all of them', async () => {
  const { provide, of, engines, clock, scene, changed } = await live()
  scene.onBattery = true
  changed()
  expect([of(TINY).state, of(SMOL).state, provide.stage]).toEqual(['paused', 'paused', 'paused'])
  scene.onBattery = false
  changed()
  expect([of(TINY).state, of(SMOL).state]).toEqual(['live', 'live'])
  of(SMOL).addJob('asker1', 40)
  void provide.drain()
  await clock.advance(10)
  expect([provide.stage, of(TINY).state, of(SMOL).state]).toEqual(['draining', 'ended', 'draining'])
  await provide.stop()
  expect([provide.stage, of(SMOL).state, provide.lent]).toEqual(['ended', 'ended', []])
  expect([engines.map(({ closed }) => closed), scene.held]).toEqual([[true], []])
})

it('tells the share to whichever is loaded', async () => {
  const { provide, settings, engines, job, clock } = await live()
  job(SMOL)
  await clock.advance(2 * LOAD_MS)
  settings.dutyPercent.value = 40
  provide.limitsChanged()
  expect(engines[1]!.shares.at(-1)).toBe(0.4)
})

it('loads what was never loaded here once, in a quiet minute, brings the chosen one back, and then offers it', async () => {
  const { places, provisions, engines, of, clock } = await live({ shown: new Map() })
  expect(places()).toEqual({ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'unmeasured' })
  of(TINY).addJob('asker1', 1)
  await clock.advance(3 * MINUTE_MS)
  expect(engines.length, 'somebody is answered').toBe(1)
  of(TINY).endJobs()
  await clock.advance(2 * MINUTE_MS)
  expect(engines.map(({ info }) => info.model)).toEqual([TINY, SMOL, TINY])
  expect(places()).toEqual({ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'kept' })
  expect(provisions.map(({ model }) => model)).toEqual([TINY, SMOL])
  expect(of(SMOL).terms.place?.loadMs, 'as long as it took').toBeGreaterThan(0)
})

it('measures nothing while lending is paused', async () => {
  const { provide, engines, clock } = await live({ shown: new Map() })
  provide.pause()
  await clock.advance(5 * MINUTE_MS)
  expect(engines).toHaveLength(1)
})

it('offers nothing of the others that could not be loaded, says why, and lends the chosen one as before', async () => {
  const { provide, places, scene, of, clock } = await live({ shown: new Map() })
  const reason = new InfernetError('engine.self-test-failed', { wrong: 3, total: 32 })
  scene.loadFails = reason
  await clock.advance(MINUTE_MS)
  expect(places()).toMatchObject({ 'SmolLM2 360M': 'measuring' })
  await clock.advance(LOAD_MS)
  scene.loadFails = undefined
  await clock.advance(2 * LOAD_MS)
  expect(places()).toEqual({ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'out' })
  expect(provide.lent.at(-1)?.error).toBe(reason)
  expect([provide.stage, of(TINY).state, scene.held]).toEqual(['live', 'live', [TINY]])
  await clock.advance(10 * MINUTE_MS)
  expect(places(), 'it is not tried again').toMatchObject({ 'SmolLM2 360M': 'out' })
})

it('rests one whose load for a prompt failed, as with a lost GPU, refuses who waits, and loads the chosen one again', async () => {
  const { provide, places, scene, job, of, clock } = await live()
  scene.loadFails = new InfernetError('engine.device-lost')
  const asked = job(SMOL)
  await clock.advance(2 * LOAD_MS)
  expect([asked.state, places(), of(SMOL).state]).toEqual([
    'engine.device-lost',
    { 'Infernet Tiny': 'kept', 'SmolLM2 360M': 'resting' },
    'paused',
  ])
  expect([provide.stage, of(TINY).state]).toEqual(['live', 'live'])
  scene.loadFails = undefined
  const other = job(TINY)
  await clock.advance(2 * LOAD_MS)
  expect(other.state).toBe('runs')
  await clock.advance(MINUTE_MS)
  expect([places(), of(SMOL).state]).toEqual([{ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'kept' }, 'live'])
})

it('brings the chosen one back in a quiet minute when a failed load left nothing loaded', async () => {
  const { places, scene, job, clock } = await live()
  scene.loadFails = new InfernetError('engine.device-lost')
  job(SMOL)
  await clock.advance(2 * LOAD_MS)
  scene.loadFails = undefined
  await clock.advance(3 * MINUTE_MS)
  expect(places()).toMatchObject({ 'Infernet Tiny': 'loaded' })
})

it('gives a model up whose third load fails, and that one alone', async () => {
  const { places, services, job, clock, provide } = await live()
  const start = services.startEngine.bind(services)
  services.startEngine = async (model, ...rest) => {
    if (model === SMOL) throw new InfernetError('engine.out-of-memory')
    return start(model, ...rest)
  }
  for (const restMs of [MINUTE_MS, 2 * MINUTE_MS, 0]) {
    job(SMOL)
    await clock.advance(2 * LOAD_MS)
    expect(places()).toMatchObject({ 'SmolLM2 360M': restMs > 0 ? 'resting' : 'out' })
    await clock.advance(restMs)
  }
  await clock.advance(2 * MINUTE_MS)
  expect([places(), provide.stage]).toEqual([{ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'out' }, 'live'])
})

it('offers a model no longer whose files have gone, downloads nothing for it, and refuses who waits', async () => {
  const { places, scene, job, of, engines, clock, provide } = await live()
  scene.modelsHere = [TINY]
  const asked = job(SMOL)
  await clock.advance(2 * LOAD_MS)
  expect(asked.state).toBe('stream.draining')
  expect([places(), of(SMOL).state]).toEqual([{ 'Infernet Tiny': 'kept', 'SmolLM2 360M': 'out' }, 'ended'])
  expect(provide.lent.at(-1)?.error).toMatchObject({ code: 'models.unavailable' })
  expect([engines.length, scene.held]).toEqual([1, [TINY]])
})

it('fails by name when the chosen one is gone for good', async () => {
  const { scene, provide, job, of, clock } = await live()
  const asked = job(SMOL)
  await clock.advance(2 * LOAD_MS)
  asked.end()
  scene.modelsHere = [SMOL]
  await clock.advance(MINUTE_MS)
  job(TINY)
  await clock.advance(2 * LOAD_MS)
  expect([provide.stage, provide.error?.code]).toEqual(['failed', 'models.unavailable'])
  expect([of(TINY).state, of(SMOL).state]).toEqual(['ended', 'ended'])
})

it('goes on without a job that was cancelled while it waited', async () => {
  const { places, job, clock } = await live()
  const cancel = new AbortController()
  const asked = job(SMOL, cancel.signal)
  await clock.advance(LOAD_MS / 2)
  cancel.abort(new InfernetError('stream.cancelled'))
  await clock.advance(2 * LOAD_MS)
  expect(asked.state).toBe('stream.cancelled')
  expect(places(), 'the load was paid for in time').toEqual({
    'Infernet Tiny': 'kept',
    'SmolLM2 360M': 'loaded',
  })
  const back = job(TINY)
  await clock.advance(MINUTE_MS + 2 * LOAD_MS)
  expect(back.state).toBe('runs')
})

it('takes the others in and out while it lends, each after its answers', async () => {
  const { provide, settings, of, places, clock, scene } = await live()
  of(SMOL).addJob('asker1', 40)
  settings.lendOthers.value = false
  provide.othersChanged()
  await clock.advance(10)
  expect([of(SMOL).state, of(TINY).state]).toEqual(['draining', 'live'])
  const { served } = of(SMOL)
  of(SMOL).served = { ...served, tokens: tokens(40), jobs: 1 }
  await of(SMOL).stop()
  await clock.advance(10)
  expect([places(), scene.held]).toEqual([{ 'Infernet Tiny': 'loaded' }, [TINY]])
  settings.lendOthers.value = true
  provide.othersChanged()
  await clock.advance(10)
  expect(places()).toEqual({ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'kept' })
  of(SMOL).addJob('asker2', 8)
  expect(provide.figures.served.tokens, 'what it served before counts, and no job twice').toBe(48)
  expect(provide.figures.jobs).toHaveLength(1)
})

it('does not offer twice what is being measured when the others are looked at meanwhile', async () => {
  const { provide, places, scene, provisions, clock } = await live({ shown: new Map() })
  await clock.advance(MINUTE_MS)
  expect(places()).toMatchObject({ 'SmolLM2 360M': 'measuring' })
  scene.shown = new Map([[SMOL, shown(SMOL)]])
  provide.othersChanged()
  await clock.advance(3 * LOAD_MS)
  expect(places()).toEqual({ 'Infernet Tiny': 'loaded', 'SmolLM2 360M': 'kept' })
  expect(provisions.map(({ model }) => model)).toEqual([TINY, SMOL])
})

it('fails by name when the chosen one is loaded and could not be started again', async () => {
  const { provide, engines, of, clock, scene } = await live()
  engines[0]!.enter({ stage: 'ended', reason: new InfernetError('engine.no-adapter') })
  await clock.advance(10)
  expect([provide.stage, provide.error?.code]).toEqual(['failed', 'engine.no-adapter'])
  expect([of(TINY).state, of(SMOL).state, scene.held]).toEqual(['ended', 'ended', []])
})

it('ends the offer of another one that could not be started again, and that alone', async () => {
  const { provide, engines, of, job, places, clock } = await live()
  job(SMOL)
  await clock.advance(2 * LOAD_MS)
  engines[1]!.enter({ stage: 'ended', reason: new InfernetError('engine.no-adapter') })
  await clock.advance(10)
  expect([of(SMOL).state, of(TINY).state, provide.stage]).toEqual(['ended', 'live', 'live'])
  expect(places()).toMatchObject({ 'SmolLM2 360M': 'out' })
})

it('offers eight at most, none that its publisher alone vouches for, and none whose terms were not accepted', async () => {
  const { models } = memoryServices(new FakeClock()).scene
  const [tiny, smol] = models as [ModelChoice, ModelChoice]
  const hash = (at: number): ModelHash => modelHash(String(at).padStart(64, '0'))
  const gated = { ...smol, model: hash(90), name: 'gated' }
  const entry = { ...smol.listed.entry, licence: { id: 'own', mayPassOn: false, isGated: true } }
  const many = Array.from({ length: 9 }, (_, at) => ({ ...smol, model: hash(at), name: `model ${at}` }))
  const all = [
    tiny,
    claimAlone({ ...smol, model: hash(91), name: 'claimed' }),
    { ...gated, listed: { ...smol.listed, entry } },
    ...many,
  ]
  const modelsHere = all.map(({ model }) => model)
  const { provide } = await live({
    ...{ models: all, modelsHere },
    shown: new Map(modelsHere.map((model) => [model, shown(model)])),
  })
  expect(provide.lent.map(({ choice }) => choice.name)).toEqual([
    'Infernet Tiny',
    ...many.slice(0, 7).map(({ name }) => name),
  ])
})

it('lends one model alone where this browser keeps nothing', async () => {
  const { provide, provisions } = await live({ storesModels: false })
  expect([provisions.length, provide.lent]).toEqual([1, []])
})
