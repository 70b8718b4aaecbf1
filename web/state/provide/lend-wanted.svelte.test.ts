import { expect, it } from 'vitest'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { noClaims } from '../testing/memory-money.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { claimAlone, GPU, licensed, SMOL, TINY } from '../testing/samples.ts'
import { LendWanted } from './lend-wanted.svelte.ts'
import { Provide } from './provide.svelte.ts'

const HOUR_MS = 60 * MINUTE_MS

/** A page whose visitor has gone; chance takes the first that is worth anything. */
async function opened(change: Partial<Scene> = {}) {
  const clock = new FakeClock()
  const world = memoryServices(clock, { demand: [{ model: SMOL, share: 1, loaded: 0 }], ...change })
  const settings = new Settings(world.services.settings)
  const session = new Session(world.services, settings)
  const desk = new PaymentDesk(world.services, new Wallet(world.services), noClaims)
  const provide = new Provide(world.services, session, settings, desk)
  // Not started: a page that ticks once a second would make the hours of these tests long.
  await session.modelsReady
  const told = new Set<() => void>()
  const idle = { isIdle: true, onChange: (callback: () => void) => (told.add(callback), () => undefined) }
  const page = { isAsking: false }
  const accepted = new Set<string>()
  const open = () =>
    new LendWanted(
      {
        services: world.services,
        random: { bytes: (length) => new Uint8Array(length) },
        idle,
        mayLoad: ({ model, listed }) => listed.entry.licence.id === 'apache-2.0' || accepted.has(model),
        isAsking: () => page.isAsking,
      },
      provide,
      session,
    )
  const use = (isUsed: boolean): void => {
    idle.isIdle = !isUsed
    told.forEach((tell) => tell())
  }
  return { ...world, clock, session, provide, limits: settings, mode: open(), open, page, use, accepted }
}

it('does nothing before it is switched on, and says nothing', async () => {
  const { clock, provide, mode } = await opened()
  await clock.advance(HOUR_MS)
  expect([mode.on, mode.hold, provide.stage]).toEqual([false, undefined, 'idle'])
})

it('loads nothing that its publisher alone vouches for, however much it is wanted', async () => {
  const { models } = memoryServices(new FakeClock()).scene
  const { clock, provide, mode } = await opened({
    models: models.map((choice) => (choice.model === SMOL ? claimAlone(choice) : choice)),
  })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect([provide.stage, mode.hold]).toEqual(['idle', 'nothing-wanted'])
})

it('loads nothing whose licence was not accepted: nobody is there to be asked; once it was, it is lent', async () => {
  const { models } = memoryServices(new FakeClock()).scene
  const { clock, accepted, provide, mode } = await opened({
    models: models.map((choice) => (choice.model === SMOL ? licensed(choice, 'gemma') : choice)),
  })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect([provide.stage, mode.hold]).toEqual(['idle', 'unaccepted'])
  accepted.add(SMOL)
  await clock.advance(HOUR_MS)
  expect([provide.stage, provide.model?.model, mode.hold]).toEqual(['live', SMOL, undefined])
})

it('says nothing of a licence where what is wanted would not fit anyway', async () => {
  const { models } = memoryServices(new FakeClock()).scene
  const problem = new InfernetError('mesh.insecure-page')
  const { clock, mode } = await opened({
    gpu: { ...GPU, problem },
    models: models.map((choice) => (choice.model === SMOL ? licensed(choice, 'gemma') : choice)),
  })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect(mode.hold).toBe('nothing-wanted')
})

it('lends the model that is wanted, though another one was chosen, and remembers the mode', async () => {
  const { clock, provide, mode, open } = await opened()
  expect(provide.model?.model).toBe(TINY)
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect([provide.stage, provide.model?.model, mode.hold]).toEqual(['live', SMOL, undefined])
  expect(open().on).toBe(true)
})

it.each([
  ['battery', { onBattery: true }],
  ['metered', { metered: true }],
  ['line-unknown', { metered: undefined }],
] as const)('loads nothing: %s', async (hold, change) => {
  const { clock, scene, changed, provide, mode } = await opened(change)
  mode.on = true
  await clock.advance(HOUR_MS)
  expect([mode.hold, provide.stage]).toEqual([hold, 'idle'])
  Object.assign(scene, { onBattery: false, metered: false })
  changed()
  await clock.advance(30 * SECOND_MS)
  expect([mode.hold, provide.stage]).toEqual([undefined, 'live'])
})

it('takes the visitor’s word for a line of which the browser says nothing', async () => {
  const { clock, provide, mode, open } = await opened({ metered: undefined })
  mode.on = true
  expect([mode.hold, mode.unknowns]).toEqual(['line-unknown', { battery: false, line: true }])
  mode.lineIsFree = true
  await clock.advance(30 * SECOND_MS)
  expect(provide.stage).toBe('live')
  expect(open().lineIsFree).toBe(true)
})

it('goes on where the browser does not say whether the device is charged, and tells so', async () => {
  const { clock, provide, mode } = await opened({ onBattery: undefined })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect([provide.stage, mode.unknowns.battery]).toEqual(['live', true])
})

it('waits while the page is used or asks, and leaves what it lends alone then', async () => {
  const { clock, provide, mode, use, page } = await opened()
  use(true)
  mode.on = true
  await clock.advance(HOUR_MS)
  expect([mode.hold, provide.stage]).toEqual(['in-use', 'idle'])
  use(false)
  page.isAsking = true
  await clock.advance(HOUR_MS)
  expect([mode.hold, provide.stage]).toEqual(['in-use', 'idle'])
  page.isAsking = false
  await clock.advance(20 * MINUTE_MS)
  expect(provide.stage).toBe('live')
  use(true)
  await clock.advance(HOUR_MS)
  expect([mode.hold, provide.stage]).toEqual(['in-use', 'live'])
})

it('says that nothing is wanted that fits, and that no relay answers', async () => {
  const { clock, scene, mode } = await opened({ demand: [] })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect(mode.hold).toBe('nothing-wanted')
  scene.lookFails = true
  await clock.advance(20 * MINUTE_MS)
  expect(mode.hold).toBe('no-network')
})

it('keeps what it lent before as an offer from the disk, where the others are lent too', async () => {
  const { clock, scene, limits, provide, provisions, mode } = await opened({ modelsHere: [TINY, SMOL] })
  limits.lendOthers.value = true
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  await expect.poll(() => provide.stage, { interval: 5 }).toBe('live')
  expect(provide.model?.model).toBe(SMOL)
  const { info, selfTest } = new MemoryEngine(SMOL, 'webgpu', clock)
  scene.shown = new Map([[SMOL, { info, selfTest, testedAt: clock.now(), loadMs: millis(7000) }]])
  scene.demand = [{ model: TINY, share: 1, loaded: 0 }]
  await clock.advance(HOUR_MS)
  await expect.poll(() => provide.lent.length, { interval: 5 }).toBe(2)
  expect(provide.model?.model).toBe(TINY)
  expect(provisions.at(-1)).toMatchObject({ model: SMOL, terms: { place: { tier: 'disk' } } })
})

it('changes to another model after half an hour, and only for one that is worth clearly more', async () => {
  const { clock, scene, provide, mode } = await opened()
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  scene.demand = [
    { model: TINY, share: 0.9, loaded: 0 },
    { model: SMOL, share: 0.1, loaded: 1 },
  ]
  await clock.advance(25 * MINUTE_MS)
  expect(provide.model?.model, 'it stays for a while').toBe(SMOL)
  await clock.advance(30 * MINUTE_MS)
  expect([provide.stage, provide.model?.model]).toEqual(['live', TINY])
  scene.demand = [
    { model: SMOL, share: 0.5, loaded: 0 },
    { model: TINY, share: 0.5, loaded: 1 },
  ]
  await clock.advance(HOUR_MS)
  expect(provide.model?.model, 'its own offer does not count against it').toBe(TINY)
})

it('does not start again what the visitor stopped, until the mode is switched off and on', async () => {
  const { clock, provide, mode } = await opened()
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  await provide.stop()
  await clock.advance(HOUR_MS)
  expect([mode.hold, provide.stage]).toEqual(['stopped', 'ended'])
  mode.on = false
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect(provide.stage).toBe('live')
})

it('does not start again what was cancelled while it was prepared', async () => {
  const { clock, provide, mode } = await opened({
    load: [{ phase: 'downloading', loadedBytes: 0, totalBytes: 1, waitMs: 5 * MINUTE_MS }],
  })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect(provide.stage).toBe('downloading')
  provide.cancel()
  await clock.advance(HOUR_MS)
  expect([mode.hold, provide.stage]).toEqual(['stopped', 'idle'])
})

it('leaves out a model that could not be started here', async () => {
  const { clock, scene, provide, mode } = await opened({
    loadFails: new InfernetError('engine.out-of-memory'),
  })
  mode.on = true
  await clock.advance(30 * SECOND_MS)
  expect(provide.stage).toBe('failed')
  scene.loadFails = undefined
  scene.demand = [
    { model: SMOL, share: 0.9, loaded: 0 },
    { model: TINY, share: 0.1, loaded: 0 },
  ]
  await clock.advance(20 * MINUTE_MS)
  expect([provide.stage, provide.model?.model]).toEqual(['live', TINY])
})
