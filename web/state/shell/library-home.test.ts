import { readFile } from 'node:fs/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { ModelLibrary } from '#shared/client/model-library.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { CATALOGUE, type CatalogueEntry } from '#shared/models/catalogue.ts'
import { LibraryHome } from './library-home.ts'

const served = new URL('../../public/', import.meta.url)
const [entry] = CATALOGUE as [CatalogueEntry]
const fine: CatalogueEntry = { ...entry, id: 'fine', name: 'Fine', dtype: 'fp32' }
const small: CatalogueEntry = { ...entry, id: 'small', name: 'Small', dtype: 'q4' }

afterEach(() => vi.unstubAllGlobals())

/** Both precisions of one model, which share their tokenizer, and a folder of files by their hash. */
async function opened(storage: object = {}) {
  const files = new Map<string, number>()
  const missing = (): never => {
    throw new DOMException('', 'NotFoundError')
  }
  const folder = {
    getFileHandle: async (name: string) => {
      const size = files.get(name) ?? missing()
      return { getFile: async () => ({ size }) }
    },
    removeEntry: async (name: string) => void (files.delete(name) || missing()),
  }
  vi.stubGlobal('navigator', {
    storage: {
      getDirectory: async () => ({ getDirectoryHandle: async () => folder }),
      estimate: async () => ({ usage: 1000, quota: 5000 }),
      persisted: async () => false,
      ...storage,
    },
  })
  const state = { isDown: false }
  const library = new ModelLibrary(
    {
      source: (baseUrl) => ({
        async open(path) {
          if (state.isDown) throw new InfernetError('models.unavailable', { path })
          const bytes = await readFile(new URL(`.${baseUrl}${path}`, served))
          return {
            offset: 0,
            body: (async function* () {
              yield Uint8Array.from(bytes)
            })(),
          }
        },
      }),
      digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
    },
    [fine, small],
  )
  const home = new LibraryHome(library)
  const keep = (name: string): void => {
    const known = models.find((each) => each.name === name)!
    for (const { sha256, size } of library.get(known.model).manifest.files) files.set(sha256, size)
  }
  const { models } = await home.read()
  const kept = async () =>
    (await home.read()).models.map(({ name, bytes, keptBytes }) => [name, keptBytes, bytes])
  return { home, files, keep, models, kept, state, library }
}

it('tells how much of each model is here, and what room there is', async () => {
  const { home, keep, models, kept } = await opened()
  expect((await home.read()).room).toEqual({ usedBytes: 0, freeBytes: 4000, isLasting: false })
  keep('Fine')
  const [[, fineKept, fineBytes] = [], [, smallKept, smallBytes] = []] = await kept()
  expect(fineKept).toBe(fineBytes)
  expect(Number(smallKept)).toBeGreaterThan(0) // the tokenizer, which it shares
  expect(Number(smallKept)).toBeLessThan(Number(smallBytes))
  expect(models.map(({ dtype }) => dtype)).toEqual(['fp32', 'q4'])
})

it('deletes the files of one model and of no other, and tells whoever watches', async () => {
  const { home, files, keep, models, kept } = await opened()
  keep('Fine')
  keep('Small')
  let told = 0
  const stop = home.onChange(() => told++)
  await home.remove(models[0]!.model)
  const [, [, smallKept, smallBytes] = []] = await kept()
  expect([smallKept, told]).toEqual([smallBytes, 1])
  stop()
  await home.remove(models[1]!.model)
  expect([files.size, told]).toEqual([0, 1])
  await home.remove(models[1]!.model) // what is gone already is deleted
})

it('fails with the file that cannot be deleted', async () => {
  const held = new DOMException('', 'NoModificationAllowedError')
  const { home, models } = await opened({
    getDirectory: async () => ({
      getDirectoryHandle: async () => ({
        getFileHandle: () => Promise.reject(new DOMException('', 'NotFoundError')),
        removeEntry: () => Promise.reject(held),
      }),
    }),
  })
  await expect(home.remove(models[0]!.model)).rejects.toBe(held)
})

it('reads the list once, and again where it could not be had', async () => {
  const { home, state, library } = await opened()
  state.isDown = true
  const later = new LibraryHome(library)
  await expect(later.read()).rejects.toMatchObject({ code: 'models.unavailable' })
  expect((await home.read()).models).toHaveLength(2)
  state.isDown = false
  expect((await later.read()).models).toHaveLength(2)
})

it('keeps nothing where the browser gives no folder', async () => {
  const none = { getDirectory: () => Promise.reject(new DOMException('', 'SecurityError')) }
  expect(await (await opened()).home.isKeeping()).toBe(true)
  const { home } = await opened(none)
  expect(await home.isKeeping()).toBe(false)
  expect((await home.read()).models.map(({ keptBytes }) => keptBytes)).toEqual([0, 0])
})
