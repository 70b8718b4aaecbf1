import { afterEach, expect, it } from 'vitest'
import { MINUTE_MS } from '#shared/base/units.ts'
import type { AnswerEvent } from '#shared/peer/peer.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { countingRandom } from '#shared/testing/peers.ts'
import type { SignedVerdict } from '#shared/verify/board/verdict-book.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { Settings } from '../session/settings.svelte.ts'
import { verdictOf } from '../testing/checks.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { named, relayView, seenOffer, SMOL, TINY } from '../testing/samples.ts'
import { TabAudit } from './tab-audit.svelte.ts'

const HOUR_MS = 60 * MINUTE_MS
const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A page with a model kept, a lender of it, and relays that take verdicts. */
async function opened(change: (clock: FakeClock) => Partial<Scene> = () => ({}), settings = {}) {
  const clock = new FakeClock()
  const published: SignedVerdict[] = []
  const port = {
    publishVerdict: async (verdict: SignedVerdict) => void published.push(verdict),
  } as unknown as RecordsPort
  const provider = named('lender')
  const world = memoryServices(clock, {
    relays: [relayView('reLay1', '127.0.0.1')],
    offers: [{ ...seenOffer(clock, 'lender'), expired: false }],
    modelsHere: [TINY],
    async *ask() {
      yield { type: 'tokens', tokens: [1, 2] } as unknown as AnswerEvent
      yield { type: 'proof', transcript: { provider } as unknown as Transcript }
      return undefined as never
    },
    async *check() {
      const report = { provider, verdict: verdictOf() } as unknown as CheckReport
      yield { type: 'done', report }
      return report
    },
    ...change(clock),
  })
  for (const [name, value] of Object.entries(settings)) world.settings.set(name, String(value))
  const { scene, services } = world
  if ('registers' in scene.mesh) Object.assign(scene.mesh, { registers: [port] })
  const own = new Settings(services.settings)
  const mesh = await services.openMesh({ purpose: 'ask' }, { signal: new AbortController().signal })
  const session = {
    models: scene.models,
    choice: (model: string | undefined) => scene.models.find((choice) => choice.model === model),
    get live() {
      return scene.offers
    },
    ownNames: [mesh.name],
    speaker: async () => mesh,
  }
  const audit = new TabAudit({
    ...{ services, session, settings: own, random: countingRandom(5) },
    reasons: () => [['battery', own.pauseOnBattery.value && services.conditions.onBattery === true]],
  })
  ends.push(() => audit.stop())
  return { ...world, audit, published, advance: (ms: number) => clock.advance(ms) }
}

it('asks nobody until it is switched on, then keeps to its hour and tells the relays', async () => {
  const { audit, advance, published, opened: meshes, settings } = await opened()
  await advance(2 * HOUR_MS)
  expect([audit.isOn, meshes.length, published.length]).toEqual([false, 1, 0])
  audit.switchTo(true)
  await advance(3 * HOUR_MS)
  expect(published.length).toBeGreaterThan(8)
  expect(published.length).toBeLessThanOrEqual(18)
  expect(audit.today.agrees).toBe(published.length)
  expect(audit.found[0]).toMatchObject({ provider: named('lender'), outcome: 'agrees', relays: 1 })
  // A name for each probe, beside the page's own.
  expect(meshes).toHaveLength(1 + published.length)
  expect(settings.get('audit.on')).toBe('yes')
})

it('goes on in the next visit where it was left on, and stops when it is switched off', async () => {
  const { audit, advance, published } = await opened(undefined, { 'audit.on': 'yes' })
  await advance(HOUR_MS)
  const before = published.length
  expect(before).toBeGreaterThan(0)
  audit.switchTo(false)
  await advance(3 * HOUR_MS)
  expect(published).toHaveLength(before)
})

it('pauses where lending does, and says why', async () => {
  const { audit, advance, published, scene, changed } = await opened(undefined, { 'audit.on': 'yes' })
  scene.onBattery = true
  changed()
  await advance(2 * HOUR_MS)
  expect([audit.pause, published.length]).toEqual(['battery', 0])
  scene.onBattery = false
  changed()
  await advance(HOUR_MS)
  expect(audit.pause).toBeUndefined()
  expect(published.length).toBeGreaterThan(0)
})

it('makes no hour longer by being switched off and on', async () => {
  const { audit, advance, published } = await opened(undefined, { 'audit.on': 'yes', 'audit.per-hour': 2 })
  for (let i = 0; i < 12; i++) {
    await advance(10 * MINUTE_MS)
    audit.switchTo(false)
    audit.switchTo(true)
  }
  expect(published.length).toBeGreaterThan(0)
  expect(published.length).toBeLessThanOrEqual(4)
})

it('asks for no model that is not here, nobody who wants money, and not itself', async () => {
  const payment = { chainId: 1, escrow: `0x${'1'.repeat(40)}` } as never
  const { audit, advance, published } = await opened(
    (clock) => ({
      offers: [seenOffer(clock, 'paid11', { payment }), seenOffer(clock, 'other1', { model: SMOL })],
    }),
    { 'audit.on': 'yes' },
  )
  await advance(2 * HOUR_MS)
  expect([published.length, audit.pause]).toEqual([0, undefined])
})

it('says that there is no model to read with', async () => {
  const { audit, advance } = await opened(() => ({ modelsHere: [] }), { 'audit.on': 'yes' })
  await advance(HOUR_MS)
  expect(audit.pause).toBe('no-model')
})

it('counts what came to no answer apart, and accuses nobody of it', async () => {
  const { audit, advance, published } = await opened(
    () => ({
      async *ask() {
        throw new Error('gone')
      },
    }),
    { 'audit.on': 'yes' },
  )
  await advance(2 * HOUR_MS)
  expect(audit.today.failed).toBeGreaterThan(0)
  expect([published.length, audit.found[0]?.outcome]).toEqual([0, undefined])
})
