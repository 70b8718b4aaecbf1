import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { SMOL, TINY } from '../testing/samples.ts'
import { EngineShelf } from './engine-shelf.ts'
import type { EngineInit } from './services.ts'

function shelf() {
  const clock = new FakeClock()
  const world = memoryServices(clock)
  const starts: EngineInit['backend'][] = []
  const passing: string[] = []
  const kept = new EngineShelf(
    (model, init, options) => {
      starts.push(init.backend)
      return world.services.startEngine(model, init, options)
    },
    async (model) => {
      passing.push(model)
      return () => void passing.splice(passing.indexOf(model), 1)
    },
  )
  const open = (
    init: Partial<EngineInit> = {},
    { signal = new AbortController().signal, model = TINY } = {},
  ) => kept.start(model, { backend: 'auto', onProgress: () => undefined, ...init }, { signal })
  return { ...world, clock, starts, open, passing }
}

it('loads a model once for all who want it, tells each of them, and ends with the last', async () => {
  const { open, starts, engines, clock } = shelf()
  const told: [LoadProgress['phase'][], LoadProgress['phase'][]] = [[], []]
  const [first, second] = [
    open({ onProgress: ({ phase }) => told[0].push(phase) }),
    open({ onProgress: ({ phase }) => told[1].push(phase) }),
  ]
  await clock.advance(1000)
  const [one, two] = await Promise.all([first, second])
  expect(starts).toEqual(['auto'])
  expect(told[0]).toContain('testing')
  expect(told[1]).toContain('testing')
  await one.engine.close()
  await one.engine.close()
  expect(engines[0]?.closed).toBe(false)
  await two.engine.close()
  expect(engines[0]?.closed).toBe(true)
  const again = open()
  await clock.advance(1000)
  await again
  expect(starts).toHaveLength(2)
})

it('passes on the files of what is lent, while it is lent, and of nothing that only this tab asks', async () => {
  const { open, clock, passing } = shelf()
  const asking = open()
  await clock.advance(1000)
  const asked = await asking
  expect(passing).toEqual([])
  const lent = await open({ isLent: true })
  expect(passing).toEqual([TINY])
  await lent.engine.close()
  await lent.engine.close()
  expect(passing).toEqual([])
  await asked.engine.close()
})

it('computes as much of the time as the most modest of its users allows', async () => {
  const { open, engines, clock } = shelf()
  const asking = open()
  await clock.advance(1000)
  await asking
  const lending = await open({ share: 0.3 })
  lending.setShare(0.5)
  await lending.engine.close()
  lending.setShare(0.1)
  expect(engines[0]?.shares.slice(-3)).toEqual([0.3, 0.5, 1])
})

it('goes on loading as long as one waits, and stops when none does', async () => {
  const { open, starts, engines, clock } = shelf()
  const gone = [new AbortController(), new AbortController()] as const
  const waiting = gone.map(({ signal }) => open({}, { signal }).catch((thrown: unknown) => thrown))
  await clock.advance(100)
  gone[0].abort(new InfernetError('stream.cancelled'))
  expect(await waiting[0]).toMatchObject({ code: 'stream.cancelled' })
  gone[1].abort(new InfernetError('stream.cancelled'))
  expect(await waiting[1]).toMatchObject({ code: 'stream.cancelled' })
  await clock.advance(5000)
  expect(engines).toEqual([])
  const next = open()
  await clock.advance(1000)
  await next
  expect(starts).toHaveLength(2)
})

it('gives another backend and another model an engine of their own', async () => {
  const { open, starts, clock } = shelf()
  const all = [open({ backend: 'webgpu' }), open({ backend: 'wasm' }), open({}, { model: SMOL }), open()]
  await clock.advance(3000)
  await Promise.all(all)
  expect(starts).toEqual(['webgpu', 'wasm', 'auto'])
})

it('forgets a load that failed', async () => {
  const { open, scene, starts, clock } = shelf()
  scene.loadFails = new InfernetError('engine.load-failed')
  const failing = expect(open()).rejects.toMatchObject({ code: 'engine.load-failed' })
  await clock.advance(3000)
  await failing
  scene.loadFails = undefined
  const next = open()
  await clock.advance(3000)
  await next
  expect(starts).toHaveLength(2)
})
