import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { verdictOf } from '../testing/checks.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { named, TINY } from '../testing/samples.ts'
import type { CheckCount, TrustHome } from './services.ts'
import { Trust } from './trust.svelte.ts'

const COUNT: CheckCount = {
  all: { agrees: 9, differs: 1, inconclusive: 2 },
  staked: { agrees: 4, differs: 0, inconclusive: 0 },
}

const home: TrustHome = {
  counts: async () => COUNT,
  machines: async () => ({ classes: [], distances: [] }),
  verdictsAbout: async () => [{ verifier: named('bbbbbb'), verdict: verdictOf(), staked: undefined }],
  explain: () => [{ code: 'new', facts: {} }],
}

async function opened(trust: TrustHome | undefined) {
  const clock = new FakeClock()
  const world = memoryServices(clock, { trust })
  const session = new Session(world.services, new Settings(world.services.settings))
  session.start()
  await clock.advance(10)
  return { clock, scene: world.scene, trust: new Trust(world.services, session) }
}

it('asks when somebody looks, and knows how old the answer is', async () => {
  const { trust, clock } = await opened(home)
  expect(trust.counts.value).toBeUndefined()
  await trust.lookAtCounts()
  expect(trust.counts).toMatchObject({ value: COUNT, at: clock.now(), error: undefined })
  await trust.lookAtMachines(TINY)
  expect(trust.machinesOf(TINY)?.value).toEqual({ classes: [], distances: [] })
  await trust.lookAtProvider(named('aaaaaa'))
  expect(trust.verdictsAbout(named('aaaaaa'))?.value).toHaveLength(1)
  expect(trust.explain(named('aaaaaa'))).toEqual([{ code: 'new', facts: {} }])
})

it('keeps the last good answer when the next look fails', async () => {
  const { trust, scene, clock } = await opened(home)
  await trust.lookAtCounts()
  const { at } = trust.counts
  await clock.advance(60_000)
  scene.trust = { ...home, counts: () => Promise.reject(new InfernetError('wire.timeout')) }
  await trust.lookAtCounts()
  expect(trust.counts).toMatchObject({ value: COUNT, at })
  expect(trust.counts.error?.code).toBe('wire.timeout')
})

it('gives up a relay that never answers', async () => {
  const { trust, clock } = await opened({ ...home, counts: () => new Promise(() => undefined) })
  const looked = trust.lookAtCounts()
  await clock.advance(20_000)
  await looked
  expect(trust.counts.error?.code).toBe('wire.timeout')
})

it('says nothing where nobody can be asked', async () => {
  const { trust } = await opened(undefined)
  await trust.lookAtCounts()
  expect(trust.counts.value).toBeUndefined()
  expect(trust.explain(named('aaaaaa'))).toBeUndefined()
})

it('keeps no more than was looked at lately', async () => {
  const { trust } = await opened(home)
  for (let i = 10; i < 50; i++) await trust.lookAtProvider(named(`aaaa${i}`))
  expect(trust.verdictsAbout(named('aaaa10'))).toBeUndefined()
  expect(trust.verdictsAbout(named('aaaa49'))?.value).toHaveLength(1)
})
