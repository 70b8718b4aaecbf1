import { expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { knownModel, memoryHome, SMOL_ON_DISK } from '../testing/memory-models.ts'
import { SMOL, TINY } from '../testing/samples.ts'
import type { ModelsView } from './services.ts'
import { Shelf } from './shelf.svelte.ts'

async function opened(change: Partial<ModelsView> = {}, kept = new Map<string, string>()) {
  const world = memoryHome(change)
  const running = { value: [] as (typeof TINY)[] }
  const clock = new FakeClock()
  const shelf = new Shelf({
    clock,
    settings: { get: (name) => kept.get(name), set: (name, value) => void kept.set(name, value) },
    home: world.home,
    earnedBy: ({ model }) => (model === SMOL ? 7n : 2n),
    running: () => running.value,
  })
  shelf.start()
  await settled()
  return { ...world, clock, shelf, running, kept }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
const names = ({ here }: Shelf): string[] => here.map(({ name }) => name)

it('tells what is here, wholly or in part, from what is only known', async () => {
  const part = knownModel({ keptBytes: 1 })
  const { shelf } = await opened({ models: [part, { ...SMOL_ON_DISK, keptBytes: 0 }] })
  expect([names(shelf), shelf.others.map(({ model }) => model)]).toEqual([['Infernet Tiny'], [SMOL]])
})

it('sorts as the visitor likes, and remembers it', async () => {
  const { shelf, kept, running } = await opened()
  expect(names(shelf)).toEqual(['Infernet Tiny', 'SmolLM2 360M'])
  running.value = [SMOL]
  expect(names(shelf)).toEqual(['SmolLM2 360M', 'Infernet Tiny'])
  running.value = []
  shelf.sort = 'size'
  expect(names(shelf)).toEqual(['SmolLM2 360M', 'Infernet Tiny'])
  shelf.sort = 'name'
  expect(names(shelf)).toEqual(['Infernet Tiny', 'SmolLM2 360M'])
  shelf.sort = 'earned'
  expect(names(shelf)).toEqual(['SmolLM2 360M', 'Infernet Tiny'])
  expect((await opened({}, kept)).shelf.sort).toBe('earned')
})

it('deletes after a question alone, which says when the model is in use', async () => {
  const { shelf, running } = await opened()
  running.value = [TINY]
  const [tiny] = shelf.here
  shelf.askToDelete(tiny!)
  expect(shelf.asked).toMatchObject({ model: TINY, isInUse: true })
  shelf.letBe()
  await shelf.deleteAsked()
  expect(names(shelf)).toContain('Infernet Tiny')
  shelf.askToDelete(tiny!)
  await shelf.deleteAsked()
  expect([shelf.asked, names(shelf), shelf.others.length]).toEqual([undefined, ['SmolLM2 360M'], 1])
})

it('lets a model be deleted as soon as it has been let go, which nobody tells', async () => {
  const { clock, home, shelf } = await opened()
  const read = home.read.bind(home)
  let isHeld = true
  home.read = async () => {
    const view = await read()
    return { ...view, models: view.models.map((known) => ({ ...known, isInUse: isHeld })) }
  }
  await shelf.refresh()
  shelf.askToDelete(shelf.here[0]!)
  await settled()
  expect(shelf.asked?.isInUse).toBe(true)
  isHeld = false
  await clock.advance(1000)
  await settled()
  expect(shelf.asked).toMatchObject({ model: TINY, isInUse: false })
  shelf.letBe()
})

it('pins, shares and asks that all of it lasts', async () => {
  const { shelf } = await opened({ room: { usedBytes: 1, freeBytes: 1, isLasting: false } })
  await shelf.pin(TINY, true)
  await shelf.share(TINY, false)
  await shelf.makeLasting()
  expect(shelf.find(TINY)).toMatchObject({ isPinned: true, isShared: false })
  expect(shelf.room?.isLasting).toBe(true)
})

it('keeps what it saw when a look or an act fails, says why, and forgets that when all is well', async () => {
  const { shelf, scene } = await opened()
  scene.fails = new InfernetError('models.corrupt')
  await shelf.pin(TINY, true)
  expect([shelf.error?.code, shelf.here.length]).toEqual(['models.corrupt', 2])
  scene.fails = undefined
  await shelf.refresh()
  expect(shelf.error).toBeUndefined()
})

it('looks again when something changes, also while it looks', async () => {
  const { shelf, scene, changed } = await opened()
  const before = scene.reads
  changed()
  scene.view.models = [knownModel()]
  changed()
  await settled()
  expect([names(shelf), scene.reads - before]).toEqual([['Infernet Tiny'], 2])
})

it('says that room is low where little is free, and nothing where the browser does not tell', async () => {
  const low = async (freeBytes: number | undefined) =>
    (await opened({ room: { usedBytes: 0, freeBytes, isLasting: true } })).shelf.isLow
  expect([await low(499_999_999), await low(500_000_000), await low(undefined)]).toEqual([true, false, false])
})

it('tells news once, newest first, until the visitor puts them away', async () => {
  const gone = { kind: 'evicted', name: 'A', bytes: 5, at: epochMillis(1) } as const
  const later = { kind: 'vanished', name: 'B', bytes: 6, at: epochMillis(2) } as const
  const { shelf, scene, changed, kept } = await opened({ events: [gone, later] })
  expect(shelf.news).toEqual([later, gone])
  shelf.putNewsAway()
  expect(shelf.news).toEqual([])
  expect((await opened({ events: [gone, later] }, kept)).shelf.news).toEqual([])
  const newest = { ...gone, at: epochMillis(3) }
  scene.view.events = [gone, later, newest]
  changed()
  await settled()
  expect(shelf.news).toEqual([newest])
})
