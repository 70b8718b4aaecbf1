import { expect, it } from 'vitest'
import { tokens } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Accusation } from '#shared/peer/accusation.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { someModel } from '#shared/testing/peers.ts'
import { parsePerMillion } from './parse-price.ts'
import { Provide } from './provide.svelte.ts'
import { Session } from '../session/session.svelte.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { noClaims } from '../testing/memory-money.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { GPU, named } from '../testing/samples.ts'

async function opened(change: Partial<Scene> = {}) {
  const clock = new FakeClock()
  const world = memoryServices(clock, change)
  const session = new Session(world.services, new Settings(world.services.settings))
  const settings = new Settings(world.services.settings)
  const provide = new Provide(
    world.services,
    session,
    settings,
    new PaymentDesk(world.services, new Wallet(world.services), noClaims),
  )
  session.start()
  await clock.advance(10)
  return { ...world, clock, session, settings, provide, provision: () => world.provisions.at(-1)! }
}

async function live(change: Partial<Scene> = {}) {
  const world = await opened(change)
  void world.provide.start()
  await world.clock.advance(2000)
  expect(world.provide.stage).toBe('live')
  return world
}

it('goes through download, loading and self-test to live', async () => {
  const { provide, clock } = await opened()
  const seen: string[] = [provide.stage]
  void provide.start()
  for (let i = 0; i < 40; i++) {
    await clock.advance(50)
    if (seen.at(-1) !== provide.stage) seen.push(provide.stage)
  }
  expect(seen).toEqual(['idle', 'downloading', 'starting', 'testing', 'live'])
  expect(provide).toMatchObject({
    backend: 'webgpu',
    confirmed: true,
    isLit: true,
    started: { engine: { selfTest: { right: 32, total: 32 } } },
  })
})

it('can be cancelled while it prepares', async () => {
  const { provide, clock } = await opened()
  void provide.start()
  await clock.advance(100)
  expect(provide.stage).toBe('downloading')
  provide.cancel()
  await clock.advance(10)
  expect(provide.stage).toBe('idle')
  expect(provide.error).toBeUndefined()
})

it('fails by name, and can be started again', async () => {
  const { provide, clock, scene } = await opened({
    loadFails: new InfernetError('engine.self-test-failed', { wrong: 3, total: 32 }),
  })
  void provide.start()
  await clock.advance(2000)
  expect(provide.stage).toBe('failed')
  expect(provide.error?.code).toBe('engine.self-test-failed')
  scene.loadFails = undefined
  void provide.start('wasm')
  await clock.advance(2000)
  expect(provide).toMatchObject({ stage: 'live', backend: 'wasm', error: undefined })
})

it('offers the processor where the GPU cannot be used, and says why it took it', async () => {
  const reason = new InfernetError('engine.no-webgpu')
  const { provide } = await live({
    gpu: { ...GPU, label: undefined, problem: reason },
    fellBackFrom: reason,
  })
  expect(provide.backend).toBe('wasm')
  expect(provide.started?.fellBackFrom?.code).toBe('engine.no-webgpu')
})

it('counts what is being written beside what is done', async () => {
  const { provide, provision } = await live()
  provision().served = { ...provision().served, tokens: tokens(100), jobs: 2 }
  provision().addJob('asker1', 40)
  expect(provide.figures.served).toMatchObject({ tokens: 140, jobs: 2, due: 32n * 200_000_000_000n })
  expect(provide.figures.jobs).toHaveLength(1)
})

it('is live by an accepted offer alone: without one it is unconfirmed and not lit', async () => {
  const { provide, provision, clock } = await live()
  await clock.advance(61_000)
  expect(provide).toMatchObject({ stage: 'live', confirmed: false, isLit: false })
  provision().offerAcceptedAt = clock.now()
  provision().changed()
  expect(provide.confirmed).toBe(true)
})

it('pauses when hidden, on battery or metered as the visitor wants, and goes on when every reason is gone', async () => {
  const { provide, settings, scene, changed, provision } = await live()
  scene.hidden = true
  changed()
  expect(provide.stage).toBe('live')
  settings.pauseHidden.value = true
  provide.limitsChanged()
  scene.onBattery = true
  changed()
  expect(provide).toMatchObject({ stage: 'paused', figures: { pauseReasons: ['hidden', 'battery'] } })
  expect(provision().state).toBe('paused')
  scene.hidden = false
  changed()
  expect(provide.stage).toBe('paused')
  scene.onBattery = false
  changed()
  expect(provide.stage).toBe('live')
  expect(provision().state).toBe('live')
})

it('stays paused by hand when the battery is full again', async () => {
  const { provide, scene, changed } = await live()
  provide.pause()
  scene.onBattery = true
  changed()
  scene.onBattery = false
  changed()
  expect(provide).toMatchObject({ stage: 'paused', figures: { pauseReasons: ['you'] } })
  provide.resume()
  expect(provide.stage).toBe('live')
})

it('invites nobody while the engine is being started again, then goes on by itself', async () => {
  const { provide, provision, engines, clock } = await live()
  provision().addJob('asker1', 40)
  const reason = new InfernetError('engine.device-lost')
  const before = provide.started?.engine.testedAt
  await clock.advance(500)
  engines[0]!.enter({ stage: 'restarting', reason, attempt: 1 })
  expect(provide).toMatchObject({
    stage: 'paused',
    figures: { pauseReasons: ['restart'], restart: { attempt: 1, reason } },
  })
  expect(provision().state).toBe('paused')
  expect(provide.figures.jobs).toHaveLength(1)
  engines[0]!.enter({ stage: 'up' })
  expect(provide).toMatchObject({ stage: 'live', figures: { restart: undefined } })
  expect(provision().state).toBe('live')
  expect(provide.started?.engine.testedAt).toBeGreaterThan(before!)
})

const accused = (clock: FakeClock, state: Accusation['state']): Accusation => ({
  ...{
    verifier: named('judge1'),
    model: someModel(),
    difference: 'tokens',
    at: clock.now(),
    isStaked: false,
  },
  ...{ class: { backend: 'wasm', adapter: 'cpu', build: 'x' }, state },
})

it('tells what somebody says of its answers, and pauses while it tests itself', async () => {
  const { provide, provision, clock } = await live()
  const letGo = provision().terms.selfTestDesk!.hold()
  provision().accusation = accused(clock, { stage: 'testing' })
  provision().changed()
  expect(provide).toMatchObject({
    stage: 'paused',
    figures: {
      pauseReasons: ['self-test'],
      accusation: { verifier: named('judge1'), state: { stage: 'testing' } },
    },
  })
  letGo()
  expect(provide.stage).toBe('live')
  await provide.stop()
  expect(provide.figures.accusation?.state.stage, 'what happened is still told').toBe('testing')
  void provide.start()
  expect(provide.figures.accusation).toBeUndefined()
})

it('ends with the reason where its own test comes out wrong', async () => {
  const { provide, provision, engines, clock } = await live()
  const reason = new InfernetError('engine.self-test-failed', { wrong: 2, total: 32 })
  provision().terms.selfTestDesk!.hold()
  provision().accusation = accused(clock, { stage: 'testing' })
  provision().changed()
  engines[0]!.enter({ stage: 'ended', reason })
  await clock.advance(10)
  expect(provide).toMatchObject({
    ...{ stage: 'failed', error: reason },
    figures: { accusation: { state: { stage: 'failed', reason } }, pauseReasons: [] },
  })
})

it('stays paused by hand over a restart', async () => {
  const { provide, engines } = await live()
  provide.pause()
  engines[0]!.enter({ stage: 'restarting', reason: new InfernetError('engine.crashed'), attempt: 1 })
  engines[0]!.enter({ stage: 'up' })
  expect(provide).toMatchObject({ stage: 'paused', figures: { pauseReasons: ['you'] } })
})

it('fails by name when the engine could not be started again, and gives everything back', async () => {
  const { provide, provision, engines, clock } = await live()
  const reason = new InfernetError('engine.no-adapter')
  engines[0]!.enter({ stage: 'ended', reason })
  await clock.advance(10)
  expect(provide).toMatchObject({ stage: 'failed', error: reason })
  expect(provision().state).toBe('ended')
  expect(engines[0]!.closed).toBe(true)
  void provide.start('wasm')
  await clock.advance(2000)
  expect(provide).toMatchObject({ stage: 'live', backend: 'wasm' })
})

it('stays failed when it is stopped while all is given back, and begins anew only after that', async () => {
  const { provide, provision, engines, clock } = await live()
  const gate = Promise.withResolvers<void>()
  const first = provision()
  const stop = first.stop.bind(first)
  first.stop = () => gate.promise.then(stop)
  const reason = new InfernetError('engine.no-adapter')
  engines[0]!.enter({ stage: 'ended', reason })
  expect(provide).toMatchObject({ stage: 'failed', error: reason })
  const stopped = provide.stop()
  expect(provide.stage).toBe('failed')
  void provide.start('wasm')
  await clock.advance(3000)
  expect(provide.stage).toBe('checking')
  expect(engines).toHaveLength(1)
  gate.resolve()
  await stopped
  await clock.advance(2000)
  expect(provide).toMatchObject({ stage: 'live', error: undefined })
  expect(engines.map(({ closed }) => closed)).toEqual([true, false])
})

it('stays ended when its engine fails while all is given back', async () => {
  const { provide, provision, engines, clock } = await live()
  const gate = Promise.withResolvers<void>()
  provision().stop = () => gate.promise
  const stopped = provide.stop()
  engines[0]!.enter({ stage: 'ended', reason: new InfernetError('engine.no-adapter') })
  gate.resolve()
  await stopped
  await clock.advance(10)
  expect(provide).toMatchObject({ stage: 'ended', error: undefined })
})

it('tells the engine the share that the visitor allows, and each new engine again', async () => {
  const { provide, settings, engines } = await live()
  settings.dutyPercent.value = 40
  provide.limitsChanged()
  expect(engines[0]!.shares.at(-1)).toBe(0.4)
  const told = engines[0]!.shares.length
  engines[0]!.enter({ stage: 'restarting', reason: new InfernetError('engine.crashed'), attempt: 1 })
  engines[0]!.enter({ stage: 'up' })
  expect(engines[0]!.shares.slice(told)).toEqual([0.4])
})

it('watches the page’s frames only while somebody is answered and sees it, and yields when they come late', async () => {
  const { provision, engines, draw, watchesFrames, scene, changed } = await live()
  expect(watchesFrames()).toBe(false)
  provision().addJob('asker1', 40)
  expect(watchesFrames()).toBe(true)
  let at = 0
  for (let i = 0; i < 100; i++) draw((at += 16))
  for (let i = 0; i < 50; i++) draw((at += 60))
  expect(engines[0]!.shares.at(-1)).toBeLessThan(0.5)
  scene.hidden = true
  changed()
  expect(watchesFrames()).toBe(false)
})

it('drains: takes nothing new, waits for what runs, then ends with its count', async () => {
  const { provide, provision, clock } = await live()
  provision().addJob('asker1', 40)
  void provide.drain()
  await clock.advance(10)
  expect(provide.stage).toBe('draining')
  await provide.stop()
  expect(provide.stage).toBe('ended')
  expect(provision().state).toBe('ended')
  expect(provide.figures.served.tokens).toBe(40)
})

it('takes the visitor’s price and keeps reading in proportion', async () => {
  const { provide, settings } = await opened()
  expect(provide.price?.outputPerMillion).toBe(2n * 10n ** 17n)
  settings.pricePerMillion.value = '1,5'
  expect(provide.price).toEqual({ outputPerMillion: 15n * 10n ** 17n, promptPerMillion: 3n * 10n ** 17n })
  settings.pricePerMillion.value = 'a lot'
  expect(provide.price?.outputPerMillion).toBe(2n * 10n ** 17n)
})

it('reads amounts and nothing else', () => {
  expect(['0.2', '6,2', '14', '', '-1', '1e3', '1.2.3'].map((text) => parsePerMillion(text))).toEqual([
    2n * 10n ** 17n,
    62n * 10n ** 17n,
    14n * 10n ** 18n,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

it('refuses by the words of the moment, counts them, and begins to count anew', async () => {
  const { provide, provision, settings } = await live()
  const screen = provision().terms.screen!
  const texts = [[0, 1, 2]]
  await screen(texts)
  const words = (await memoryServices(new FakeClock()).services.loadTokenizer(someModel('tiny'))).decode([
    0, 1, 2,
  ])
  settings.refusedWords.value = `something else\n${words.trim().split(/\s+/)[0]}`
  await expect(screen(texts)).rejects.toMatchObject({ code: 'stream.refused' })
  expect(provide.refusals).toMatchObject({ count: 1, rule: { phrases: { length: 2 } } })
  settings.refusedWords.value = ''
  await screen(texts)
  await provide.stop()
  void provide.start()
  expect(provide.refusals.count).toBe(0)
})

it('stops one job with one press', async () => {
  const { provide, provision } = await live()
  provision().addJob('asker1', 40)
  provide.figures.jobs[0]!.stop()
  expect(provision().stopped).toEqual(['asker1'])
  expect(provide.figures.jobs).toEqual([])
  expect(provide.stage).toBe('live')
})
