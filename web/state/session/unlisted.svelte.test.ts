import { expect, it } from 'vitest'
import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { memoryServices, ME, type Scene } from '../testing/memory-services.ts'
import { seenOffer, SMOL } from '../testing/samples.ts'
import { Session } from './session.svelte.ts'
import { Settings } from './settings.svelte.ts'
import { LOOK_UP_RATE, LOOKED_UP_AT_PRESS, Unlisted } from './unlisted.svelte.ts'

const NEW = modelHash('c3'.repeat(32))
const OTHER = modelHash('d4'.repeat(32))
const hashOf = (i: number): ModelHash => modelHash(i.toString(16).padStart(64, '0'))
const nobody = async (): Promise<never> => {
  throw new InfernetError('models.nobody-left')
}

async function opened(change: Partial<Scene> = {}, clock = new FakeClock()) {
  const world = memoryServices(clock, change)
  const settings = new Settings(world.services.settings)
  const session = new Session(world.services, settings)
  session.start()
  await clock.advance(10)
  let draws = 0
  const random = {
    bytes: (length: number) => {
      const bytes = new Uint8Array(length)
      new DataView(bytes.buffer).setUint32(0, ++draws * 0x9e3779b9)
      return bytes
    },
  }
  const { services } = world
  const learn: typeof services.learnModel = (...asked) => services.learnModel(...asked)
  const unlisted = new Unlisted({ clock, random, session, settings, learn })
  /** That model, as it is called once it is known. */
  const known = (model: ModelHash): ModelChoice => ({ ...world.scene.models[0]!, model, name: 'Known' })
  return { ...world, clock, session, settings, unlisted, known }
}

it('sees what others lend and no list names, and asks nobody before the visitor says so', async () => {
  const clock = new FakeClock()
  const offers = [
    seenOffer(clock, 'aaaaaa'),
    seenOffer(clock, 'bbbbbb', { model: NEW }),
    seenOffer(clock, 'cccccc', { model: NEW }),
    seenOffer(clock, 'dddddd', { model: hashOf(1), provider: ME }),
    seenOffer(clock, 'eeeeee', { model: hashOf(2), task: 'feature-extraction' }),
    seenOffer(clock, 'ffffff', { model: hashOf(3) }, 70_000),
  ]
  const { unlisted, scene, session, known } = await opened({ offers }, clock)
  await clock.advance(millis(20 * SECOND_MS))
  expect([unlisted.lent, scene.learning]).toEqual([[NEW], []])
  scene.learn = async (model) => known(model)
  await unlisted.lookUp()
  expect(scene.learning).toEqual([NEW])
  expect(session.choice(NEW)?.name).toBe('Known')
  expect([unlisted.lent, unlisted.open, unlisted.isLooking]).toEqual([[], 0, false])
})

it('asks first for what most independent providers offer: a name that offers eight says little for each', async () => {
  const clock = new FakeClock()
  const many = Array.from({ length: 8 }, (_, i) => seenOffer(clock, 'liar01', { model: hashOf(i) }))
  const offers = [
    ...many,
    seenOffer(clock, 'bbbbbb', { model: NEW }),
    seenOffer(clock, 'cccccc', { model: OTHER }),
    seenOffer(clock, 'dddddd', { model: OTHER }),
  ]
  const { unlisted, scene } = await opened({ offers }, clock)
  await unlisted.lookUp()
  expect(scene.learning.slice(0, 2)).toEqual([OTHER, NEW])
})

it('tries a few of a thousand hashes that a liar made up, however often it is asked to', async () => {
  const clock = new FakeClock()
  const tails = Array.from({ length: 1000 }, (_, i) => i.toString(36).padStart(6, 'A').replace(/[0l]/g, 'x'))
  const offers = tails.map((tail, i) => seenOffer(clock, tail, { model: hashOf(i) }))
  let now = 0
  let most = 0
  const learn: Scene['learn'] = async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 0))
    now--
    return nobody()
  }
  const { unlisted, scene } = await opened({ offers, learn }, clock)
  await unlisted.lookUp()
  expect([scene.learning.length, most]).toEqual([LOOKED_UP_AT_PRESS, 3])
  for (let press = 0; press < 20; press++) await unlisted.lookUp()
  expect(scene.learning).toHaveLength(LOOK_UP_RATE.burst)
  expect(new Set(scene.learning).size, 'none twice').toBe(LOOK_UP_RATE.burst)
  expect(unlisted.isSpent).toBe(true)
  await clock.advance(millis(MINUTE_MS))
  scene.offers = offers.map(({ offer }, i) => seenOffer(clock, tails[i] ?? '', { model: offer.model }))
  await clock.advance(millis(6 * SECOND_MS))
  await unlisted.lookUp()
  expect(scene.learning).toHaveLength(LOOK_UP_RATE.burst + 1)
})

it('leaves alone for a while what nobody gave, and for good what this page cannot use', async () => {
  const clock = new FakeClock()
  const learn: Scene['learn'] = async (model) => {
    if (model === OTHER) throw new InfernetError('models.unsupported')
    return nobody()
  }
  const { unlisted, scene } = await opened({ learn }, clock)
  const offer = async (): Promise<void> => {
    scene.offers = [NEW, OTHER].map((model, i) => seenOffer(clock, `offer${i + 1}`, { model }))
    await clock.advance(millis(6 * SECOND_MS))
  }
  await offer()
  await unlisted.lookUp()
  expect([unlisted.open, unlisted.missed('withheld'), unlisted.missed('unusable')]).toEqual([0, 1, 1])
  await unlisted.lookUp()
  expect(scene.learning).toHaveLength(2)
  await clock.advance(millis(5 * MINUTE_MS))
  await offer()
  expect(unlisted.open).toBe(1)
  await unlisted.lookUp()
  expect(scene.learning.slice(2)).toEqual([NEW])
})

it('gives up a peer that never sends, and goes on', async () => {
  const clock = new FakeClock()
  const signals: AbortSignal[] = []
  const learn: Scene['learn'] = (_, signal) => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  const { unlisted } = await opened({ offers: [seenOffer(clock, 'aaaaaa', { model: NEW })], learn }, clock)
  const looking = unlisted.lookUp()
  await clock.advance(10)
  expect(unlisted.isLooking).toBe(true)
  await clock.advance(millis(20 * SECOND_MS))
  await looking
  expect([signals[0]?.aborted, unlisted.isLooking, unlisted.missed('withheld')]).toEqual([true, false, 1])
})

it('asks nobody where the visitor hides the address or wants origins only, a link or not', async () => {
  const clock = new FakeClock()
  const { unlisted, scene, settings } = await opened(
    { offers: [seenOffer(clock, 'aaaaaa', { model: NEW })] },
    clock,
  )
  for (const [setting, hold] of [
    ['hideAddress', 'hides-address'],
    ['originsOnly', 'origins-only'],
  ] as const) {
    settings[setting].value = true
    expect([unlisted.hold, unlisted.lent]).toEqual([hold, [NEW]])
    await unlisted.lookUp()
    expect(await unlisted.follow(NEW)).toBe(false)
    expect(unlisted.linked).toEqual({ model: NEW, state: hold })
    settings[setting].value = false
  }
  expect(scene.learning).toEqual([])
})

it('stops in the middle when the visitor forbids it', async () => {
  const clock = new FakeClock()
  const offers = Array.from({ length: 6 }, (_, i) => seenOffer(clock, `name0${i + 1}`, { model: hashOf(i) }))
  const { unlisted, scene, settings } = await opened({ offers }, clock)
  scene.learn = () => {
    settings.hideAddress.value = true
    return nobody()
  }
  await unlisted.lookUp()
  expect(scene.learning.length).toBeLessThanOrEqual(3)
})

it('looks up the one model that a link names, whether it is offered or not, and says how that went', async () => {
  const { unlisted, scene, known, session } = await opened()
  expect(await unlisted.follow(SMOL)).toBe(true)
  expect([scene.learning, unlisted.linked]).toEqual([[], undefined])
  expect(await unlisted.follow(NEW)).toBe(false)
  expect(unlisted.linked).toEqual({ model: NEW, state: 'withheld' })
  await unlisted.follow(NEW)
  expect(scene.learning, 'not again so soon').toEqual([NEW])
  scene.learn = async (model) => known(model)
  const following = unlisted.follow(OTHER)
  await Promise.resolve()
  expect(await following).toBe(true)
  expect([session.choice(OTHER)?.name, unlisted.linked]).toEqual(['Known', undefined])
})
