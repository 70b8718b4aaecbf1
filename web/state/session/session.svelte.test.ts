import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { epochMillis } from '#shared/base/units.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Session } from './session.svelte.ts'
import { Settings } from './settings.svelte.ts'
import { memoryServices, ME, ME_PROVIDING, type Scene } from '../testing/memory-services.ts'
import { relayView, seenOffer, TINY } from '../testing/samples.ts'

async function opened(change: Partial<Scene> = {}, clock = new FakeClock()) {
  const world = memoryServices(clock, change)
  const session = new Session(world.services, new Settings(world.services.settings))
  session.start()
  await clock.advance(10)
  return { clock, session, ...world }
}

it('counts from signed offers that stand now, tabs and servers apart', async () => {
  const clock = new FakeClock()
  const { session } = await opened(
    {
      offers: [
        seenOffer(clock, 'aaaaaa'),
        seenOffer(clock, 'bbbbbb', { kind: 'node' }),
        seenOffer(clock, 'cccccc', {}, 70_000),
      ],
    },
    clock,
  )
  expect(session.providers).toEqual({ tabs: 1, servers: 1 })
  expect(session.unconfirmed).toHaveLength(1)
  expect(session.fresh).toBe(true)
})

it('turns an offer unconfirmed when it runs out, keeps it a while, then forgets it', async () => {
  const clock = new FakeClock()
  const { session, scene } = await opened({ offers: [seenOffer(clock, 'aaaaaa', {}, 58_000)] }, clock)
  expect(session.providers.tabs).toBe(1)
  await clock.advance(3000)
  scene.offers = []
  await clock.advance(10_000)
  expect([session.live.length, session.unconfirmed.length]).toEqual([0, 1])
  await clock.advance(200_000)
  expect(session.unconfirmed).toHaveLength(0)
})

it('drops an offer that was withdrawn before its time', async () => {
  const clock = new FakeClock()
  const { session, scene } = await opened({ offers: [seenOffer(clock, 'aaaaaa')] }, clock)
  scene.offers = []
  await session.look()
  expect([session.live.length, session.unconfirmed.length]).toEqual([0, 0])
})

it('never offers this tab to itself', async () => {
  const clock = new FakeClock()
  const { session } = await opened({ offers: [seenOffer(clock, 'aaaaaa', { provider: ME })] }, clock)
  expect(session.offersFor(TINY)).toHaveLength(0)
  expect(session.providers.tabs).toBe(1)
})

it('lends under another name than it asks with, and offers itself under neither', async () => {
  const clock = new FakeClock()
  const reserved = relayView('reLay1', 'a.example', { reserved: true })
  const { session, opened: purposes } = await opened(
    { offers: [seenOffer(clock, 'aaaaaa', { provider: ME_PROVIDING })], relays: [reserved] },
    clock,
  )
  expect([session.ownNames, session.offersFor(TINY).length]).toEqual([[ME], 1])
  expect(session.relays).toMatchObject([{ reserved: false }])
  await session.providing.open()
  expect([session.ownNames, session.offersFor(TINY).length]).toEqual([[ME, ME_PROVIDING], 0])
  expect(session.relays).toMatchObject([{ reserved: true }])
  await session.providing.close()
  expect(session.ownNames).toEqual([ME])
  expect(session.relays).toMatchObject([{ reserved: false }])
  await session.providing.open()
  expect(purposes).toEqual(['ask', 'provide', 'provide'])
})

it('lends anew only when the last lending has left its name', async () => {
  const { session, services, scene } = await opened()
  const stopping = Promise.withResolvers<void>()
  Object.assign(scene.mesh, { stop: () => stopping.promise })
  const first = await session.providing.open()
  const over = session.providing.close()
  let again = 0
  const openMesh = services.openMesh.bind(services)
  services.openMesh = (...init) => (again++, openMesh(...init))
  const second = session.providing.open()
  await new Promise((resolve) => setTimeout(resolve, 1))
  expect(again).toBe(0)
  stopping.resolve()
  await over
  expect(await second).not.toBe(first)
})

it('hides from the start where the visitor chose so, and takes a new name with each change', async () => {
  const { session, scene, services, opened: purposes, clock } = await opened()
  let stopped = 0
  Object.assign(scene.mesh, { stop: async () => void stopped++ })
  expect([session.mesh?.hiddenBy, purposes]).toEqual([undefined, ['ask']])
  const shown = session.mesh
  await session.hideAddress(true)
  await clock.advance(10)
  expect([session.mesh?.hiddenBy, stopped]).toEqual(['relay', 1])
  expect(session.mesh).not.toBe(shown)
  expect(session.stage).toBe('up')
  await session.hideAddress(true)
  expect([stopped, purposes]).toEqual([1, ['ask', 'ask hidden']])
  const reloaded = new Session(services, new Settings(services.settings))
  expect((await reloaded.ready()).hiddenBy).toBe('relay')
  await session.hideAddress(false)
  expect(purposes).toEqual(['ask', 'ask hidden', 'ask hidden', 'ask'])
})

it('lets a question wait after the change until the new mesh has heard who lends', async () => {
  const clock = new FakeClock()
  const { session, scene } = await opened({ offers: [seenOffer(clock, 'aaaaaa')] }, clock)
  expect(session.offersFor(TINY)).toHaveLength(1)
  scene.lookFails = true
  await session.hideAddress(true)
  await clock.advance(10)
  expect(session.offersFor(TINY)).toHaveLength(0)
  scene.lookFails = false
  await session.look()
  expect(session.offersFor(TINY)).toHaveLength(1)
})

it('hides also when the choice was made while the mesh was still opening', async () => {
  const { services, opened: purposes } = memoryServices(new FakeClock())
  const session = new Session(services, new Settings(services.settings))
  const opening = session.ready()
  const hiding = session.hideAddress(true)
  await Promise.all([opening, hiding])
  expect([session.mesh?.hiddenBy, purposes]).toEqual(['relay', ['ask', 'ask hidden']])
})

it('keeps the last good answer when relays fall silent, and says that it is old', async () => {
  const clock = new FakeClock()
  const { session, scene } = await opened({ offers: [seenOffer(clock, 'aaaaaa')] }, clock)
  scene.lookFails = true
  await clock.advance(6000)
  expect(session).toMatchObject({ fresh: false, silent: true })
  expect(session.live).toHaveLength(1)
})

it('tries again by itself when the mesh does not open, with growing pauses', async () => {
  const { session, scene, clock } = await opened({ mesh: new InfernetError('schedule.no-relay') })
  expect(session.stage).toBe('failed')
  expect(session.error?.code).toBe('schedule.no-relay')
  expect(session.retryAt).toBeGreaterThan(clock.now())
  const fine = memoryServices(clock).scene.mesh
  scene.mesh = fine
  await clock.advance(4000)
  expect(session.stage).toBe('up')
  expect(session.error).toBeUndefined()
})

it('does not even try on a page that is not secure', async () => {
  const { session } = await opened({ secure: false })
  expect(session.error?.code).toBe('mesh.insecure-page')
  expect(session.retryAt).toBeUndefined()
})

it('tells a waiting prompt within seconds that somebody lends, and lets it go when it is aborted', async () => {
  const { session, scene, clock } = await opened()
  let waited = 0
  const arrival = session.whenProvided(TINY, { signal: new AbortController().signal, onWait: () => waited++ })
  const left = new AbortController()
  const leaving = session.whenProvided(TINY, { signal: left.signal, onWait: () => waited++ })
  await clock.advance(10)
  expect(waited).toBe(2)
  left.abort(new InfernetError('stream.cancelled'))
  await expect(leaving).rejects.toMatchObject({ code: 'stream.cancelled' })
  scene.offers = [seenOffer(clock, 'aaaaaa')]
  await clock.advance(4000)
  await arrival
})

it('tells no relay from one that is still being dialled', async () => {
  const { session, scene, changed } = await opened({
    relays: [relayView('reLay1', 'a.example', { state: 'down' })],
  })
  expect(session.stage).toBe('no-relay')
  scene.relays = [...scene.relays, relayView('reLay2', 'b.example', { state: 'connecting' })]
  changed()
  expect(session.stage).toBe('connecting')
  scene.relays = [relayView('reLay1', 'a.example')]
  changed()
  expect(session.stage).toBe('up')
})

it('lists a model once, also when two manifests that are served are the same', async () => {
  const { session, scene } = await opened()
  const twice = [...scene.models, ...scene.models.map((model) => ({ ...model, name: 'again' }))]
  const { session: other } = await opened({ models: twice })
  expect(other.models).toEqual(session.models)
})

it('says how far the clocks differ, and looks on though the computer’s clock was set back meanwhile', async () => {
  class SetBack extends FakeClock {
    wrongMs = 0
    override now() {
      return epochMillis(super.now() + this.wrongMs)
    }
  }
  const clock = new SetBack()
  clock.wrongMs = 600_000
  const { session, scene } = await opened({ clockAheadMs: -600_000 }, clock)
  expect(session.clockAheadMs).toBe(-600_000)
  clock.wrongMs = 0
  scene.clockAheadMs = 0
  scene.offers = [seenOffer(clock, 'aaaaaa')]
  await clock.advance(6000)
  expect([session.clockAheadMs, session.providers.tabs]).toEqual([0, 1])
})

it('opens again soon also when the clock was set back while it waited', async () => {
  class SetBack extends FakeClock {
    wrongMs = 600_000
    override now() {
      return epochMillis(super.now() + this.wrongMs)
    }
  }
  const clock = new SetBack()
  const { session, scene } = await opened({ mesh: new InfernetError('schedule.no-relay') }, clock)
  clock.wrongMs = 0
  scene.mesh = memoryServices(clock).scene.mesh
  await clock.advance(4000)
  expect(session.stage).toBe('up')
})

it('asks the relays whether they still answer when a look takes long, the lending side too, and says that it checks', async () => {
  const { session, scene, clock, changed } = await opened()
  await session.providing.open()
  const answer = Promise.withResolvers<never>()
  if (scene.mesh instanceof InfernetError) throw scene.mesh
  Object.assign(scene.mesh.peer, { look: () => answer.promise })
  await clock.advance(5000)
  expect(scene.checks).toBe(0)
  await clock.advance(2000)
  expect(scene.checks).toBe(2)
  expect(session.providing.inDoubt).toBe(false)
  scene.relays = [relayView('reLay1', 'a.example', { state: 'checking' })]
  changed()
  expect([session.stage, session.providing.inDoubt]).toEqual(['checking', true])
  answer.reject(new InfernetError('wire.timeout', { limitMs: 5000 }))
})

it('asks the lending side’s relays at once when the asking side has lost one', async () => {
  const { session, scene, changed } = await opened()
  await session.providing.open()
  changed()
  expect(scene.checks).toBe(0)
  scene.relays = [relayView('reLay1', 'a.example', { state: 'down' })]
  changed()
  expect(scene.checks).toBe(1)
  changed()
  expect(scene.checks).toBe(1)
})

it('asks the relays at once when the visitor presses Try now', async () => {
  const { session, scene } = await opened({ relays: [relayView('reLay1', 'a.example', { state: 'down' })] })
  await session.retry()
  expect(scene.checks).toBeGreaterThan(0)
})
