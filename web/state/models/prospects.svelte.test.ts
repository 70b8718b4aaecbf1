import { expect, it } from 'vitest'
import { baseUnits } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { memoryServices, type Scene } from '../testing/memory-services.ts'
import { GPU, seenOffer, SMOL, TINY } from '../testing/samples.ts'
import { Prospects } from './prospects.svelte.ts'

/** Tiny's list price is 0.2 INF a million tokens, Smol's 3.8. */
async function opened(change: Partial<Scene> = {}, share = 1, clock = new FakeClock()) {
  const world = memoryServices(clock, change)
  const session = new Session(world.services, new Settings(world.services.settings))
  session.start()
  await clock.advance(10)
  const again = () =>
    new Prospects({
      services: world.services,
      session,
      priceOf: ({ suggestedPrice }) => suggestedPrice.outputPerMillion,
      share: () => share,
    })
  const prospects = again()
  await prospects.inspect()
  const of = (model: typeof TINY, among = prospects) =>
    among.list.find(({ choice }) => choice.model === model)!
  return { ...world, prospects, of, again }
}

it('knows nothing of speed and income before a self-test, and says so by nothing', async () => {
  const { of } = await opened()
  expect(of(SMOL)).toMatchObject({ gpu: GPU, speed: undefined, fullHour: undefined, likelyHour: undefined })
})

it('turns the speed of one model into another’s by the work of a token, and prices an hour of it', async () => {
  const { prospects, of } = await opened()
  prospects.note({ model: TINY, backend: 'webgpu', tokensPerSecond: 380 })
  expect(of(TINY).speed).toMatchObject({ tokensPerSecond: 380, isOwn: true })
  expect(of(SMOL).speed).toMatchObject({ tokensPerSecond: 20, isOwn: false, from: { model: TINY } })
  // 20 tokens a second for an hour are 72,000, at 3.8 INF a million.
  expect(of(SMOL).fullHour).toBe(baseUnits(273_600_000_000_000_000n))
})

it('takes a part of it as others are busy who lend the model now, and nothing where nobody does', async () => {
  const clock = new FakeClock()
  const offers = [seenOffer(clock, 'aaaaaa', { busySlots: 3 }), seenOffer(clock, 'bbbbbb', { busySlots: 0 })]
  const { prospects, of } = await opened({ offers }, 0.5, clock)
  prospects.note({ model: TINY, backend: 'webgpu', tokensPerSecond: 100 })
  const { fullHour, use, likelyHour } = of(TINY)
  // 50 tokens a second, half of the time: 180,000 tokens at 0.2 INF a million.
  expect([fullHour, use]).toEqual([36_000_000_000_000_000n, { busy: 3, slots: 8 }])
  expect(likelyHour).toBe((36_000_000_000_000_000n * 3n) / 8n)
  expect(of(SMOL)).toMatchObject({ use: undefined, likelyHour: undefined })
})

it('keeps a measure for the next visit, and takes none of the processor for the GPU', async () => {
  const { prospects, of, again, settings } = await opened()
  prospects.note({ model: TINY, backend: 'webgpu', tokensPerSecond: 100 })
  const later = again()
  await later.inspect()
  expect(of(SMOL, later).speed).toBeDefined()
  later.note({ model: TINY, backend: 'wasm', tokensPerSecond: 9 })
  expect(of(TINY, later).speed).toBeUndefined()
  for (const text of [
    '',
    '{',
    'null',
    '{"model":1}',
    '{"model":"a","backend":"wasm","tokensPerSecond":-1}',
  ]) {
    settings.set('provide.measured', text)
    const broken = again()
    await broken.inspect()
    expect(of(TINY, broken).speed).toBeUndefined()
  }
})

it('counts the processor where the GPU cannot be used', async () => {
  const problem = new InfernetError('engine.no-webgpu')
  const { prospects, of } = await opened({ gpu: { ...GPU, problem } })
  prospects.note({ model: TINY, backend: 'wasm', tokensPerSecond: 9 })
  expect(of(TINY).speed?.tokensPerSecond).toBe(9)
})
