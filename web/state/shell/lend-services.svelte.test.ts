import { expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import type { KnownModel } from '#shared/client/model-library.ts'
import { useOf } from '#shared/models/store/use-files.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { createWebLocks } from '../../weights/web-locks.ts'
import { Licences } from '../models/licences.ts'
import { createLendServices } from './lend-services.ts'

const MODEL = modelHash('a1'.repeat(32))
const FILE = { sha256: 'f0'.repeat(32) }

function services({ isGated = false, id = 'apache-2.0' } = {}) {
  const kept = new Map<string, string>()
  const settings = {
    get: (name: string) => kept.get(name),
    set: (name: string, value: string) => void kept.set(name, value),
  }
  const passing: string[] = []
  const known = { entry: { licence: { isGated, id } }, manifest: { files: [FILE] } } as unknown as KnownModel
  const lend = createLendServices({
    ...{ clock: new FakeClock(), settings },
    find: (model) => (model === MODEL ? known : undefined),
    passOn: async (model) => {
      passing.push(model)
      return () => void passing.splice(passing.indexOf(model), 1)
    },
  })
  return { lend, settings, passing }
}

it('keeps a held model from being deleted and passes it on, until it is let go', async () => {
  const { lend, passing } = services()
  const locks = createWebLocks()
  const release = await lend.holdModel(MODEL)
  expect(await locks.tryAcquire(useOf(FILE), 'exclusive')).toBeUndefined()
  expect(passing).toEqual([MODEL])
  release()
  expect(passing).toEqual([])
  await expect.poll(() => locks.tryAcquire(useOf(FILE), 'exclusive')).toBeDefined()
})

it.each([{ isGated: true }, { id: 'gemma' }])(
  'takes a model of %o for accepted only once the visitor has said so',
  async (licence) => {
    const { lend, settings } = services(licence)
    expect(await lend.termsAreAccepted(MODEL)).toBe(false)
    new Licences(settings).accept({ kind: 'model', model: MODEL })
    expect(await lend.termsAreAccepted(MODEL)).toBe(true)
    expect(await services().lend.termsAreAccepted(MODEL)).toBe(true)
  },
)

it('knows nothing of a model that is in no list', async () => {
  const { lend } = services()
  const unknown = modelHash('b2'.repeat(32))
  expect(await lend.termsAreAccepted(unknown)).toBe(false)
  expect(await lend.shownHere(unknown, 'auto')).toBeUndefined()
})
