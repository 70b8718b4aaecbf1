import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { memoryHome } from '../testing/memory-models.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { Settings } from '../session/settings.svelte.ts'
import { Licences } from './licences.ts'
import { Models, openModels } from './models.svelte.ts'
import type { ModelsHome } from './services.ts'

const wallet = { address: undefined, entries: [], escrow: undefined, network: undefined }
const noStore = { get: () => undefined, set: () => undefined }
const choices = new Settings(noStore)
const nothing = { wallet, choices, licences: new Licences(noStore), running: () => [] }

function opened(without: readonly (keyof ModelsHome)[] = []) {
  const { services, settings } = memoryServices(new FakeClock())
  const world = memoryHome({}, without)
  return { ...world, settings, models: new Models({ services, home: world.home, ...nothing }) }
}

it('has no part whose services are not there', () => {
  const { models } = opened(['fetch', 'limits'])
  expect([models.downloads, models.adding, models.caps]).toEqual([undefined, undefined, undefined])
  const noHub = opened(['lookUp']).models
  expect([noHub.downloads !== undefined, noHub.adding]).toEqual([true, undefined])
  expect(new Models({ ...nothing, ...withHome({ ...memoryHome().home, limits: {} }) }).caps).toBeUndefined()
})

function withHome(home: ModelsHome) {
  return { services: memoryServices(new FakeClock()).services, home }
}

it('is nothing where the browser keeps nothing, and looks at once where it does', async () => {
  const none = memoryServices(new FakeClock(), { home: undefined })
  expect(await openModels({ services: none.services, ...nothing })).toBeUndefined()
  const { home, scene } = memoryHome()
  const some = memoryServices(new FakeClock(), { home })
  const models = await openModels({ services: some.services, ...nothing })
  await models?.shelf.refresh()
  expect([models?.shelf.isRead, scene.reads > 0]).toEqual([true, true])
})

it('tells limits at the start and at every change, in bytes, and takes no limit from what is no number', () => {
  const { models, told, settings } = opened()
  const { uploadRate, uploadBudget, storage } = models.caps!
  uploadRate!.text = ' 1,5 '
  uploadBudget!.text = '20'
  storage!.text = 'all of it'
  expect(told).toEqual({
    ...{ uploadRate: [undefined, 1_500_000], uploadBudget: [undefined, 20_000_000_000] },
    storage: [undefined, undefined],
  })
  expect([uploadRate!.isWrong, storage!.isWrong, settings.get('models.upload-rate')]).toEqual([
    false,
    true,
    '1,5',
  ])
  storage!.text = ''
  expect(storage!.isWrong).toBe(false)
  uploadRate!.text = '0'
  expect(told['uploadRate']!.at(-1)).toBe(0)
})
