import { readFile } from 'node:fs/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { ModelLibrary } from '#shared/client/model-library.ts'
import { modelHash } from '#shared/base/ids.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { BUNDLED_MODELS } from '#shared/models/catalogue/bundled.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { ExchangeLedger } from '#shared/models/pieces/exchange-ledger.ts'
import { RateCap } from '#shared/models/pieces/rate-cap.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import { LocalLocks } from '#shared/models/store/store-locks.ts'
import { useFiles } from '#shared/models/store/use-files.ts'
import type { Manifest, ManifestFile } from '#shared/models/manifest.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import type { KeptModels, KeptRecord } from '../../weights/kept-models.ts'
import type { DownloadOptions } from '../../weights/download-model.ts'
import type { FetchProgress } from '../models/services.ts'
import type { HubFetch, HubWanted } from './hub-home.ts'
import { LibraryHome } from './library-home.ts'
import { VisitorsRules } from './share-rules.ts'

const served = new URL('../../public/', import.meta.url)
const [entry] = BUNDLED_MODELS as [CatalogueEntry]
const only = (dtype: 'fp32' | 'q4', id: string, name: string): CatalogueEntry => ({
  ...entry,
  ...{ id, name, dtype },
  precisions: entry.precisions.filter((each) => each.dtype === dtype),
})
const fine = only('fp32', 'fine', 'Fine')
const small = only('q4', 'small', 'Small')
/** Known by its hub's name alone. */
const named = (id: string, name: string): CatalogueEntry => ({
  ...entry,
  ...{ id, name, tried: false },
  origins: [{ kind: 'hub', repository: `some-lab/${name}` }],
  precisions: [{ dtype: 'fp32', bytes: 9, memoryBytes: 9 }],
})
const asking = {
  ...{ originsOnly: false, tokenOf: () => undefined, signal: new AbortController().signal },
  onProgress: () => undefined,
}
const digest = (bytes: Uint8Array<ArrayBuffer>) => crypto.subtle.digest('SHA-256', bytes)
const fromDisk = (folder: string, path: string) => readFile(new URL(`.${folder}${path}`, served))

afterEach(() => vi.unstubAllGlobals())

/** A store whose files are gone when they are deleted. */
class Store extends MemoryStore {
  readonly gone = new Set<string>()
  readonly #locks: LocalLocks
  constructor(locks: LocalLocks) {
    super({ digest })
    this.#locks = locks
  }
  override async held(file: ManifestFile) {
    const map = await super.held(file)
    if (this.gone.has(file.sha256)) for (let piece = 0; piece < map.pieces; piece++) map.remove(piece)
    return map
  }
  async remove({ sha256 }: Pick<ManifestFile, 'sha256'>) {
    const release = await this.#locks.tryAcquire(`use:${sha256}`, 'exclusive')
    if (!release) throw new InfernetError('models.in-use')
    release()
    this.gone.add(sha256)
  }
  async list() {
    return [] as const
  }
}

function memoryKept(): KeptModels {
  const records = new Map<string, KeptRecord>()
  return {
    list: async () => [...records.values()],
    put: async (record) => void records.set(record.model, record),
    remove: async (model) => void records.delete(model),
    floor: async () => 0,
    setFloor: async () => undefined,
  }
}

/** Both precisions of one model, which share their tokenizer. */
async function opened() {
  vi.stubGlobal('navigator', {
    storage: { estimate: async () => ({ usage: 1000, quota: 5000 }), persisted: async () => false },
  })
  const state = { isDown: false, isKeeping: true, releases: 0 }
  const library = new ModelLibrary({
    sources: (origins) =>
      origins.map((origin) => ({
        async open(path: string) {
          if (state.isDown) throw new InfernetError('models.unavailable', { path })
          const folder = origin.kind === 'folder' ? origin.url : '/nowhere/'
          const bytes = Uint8Array.from(await fromDisk(folder, path))
          return {
            offset: 0,
            body: (async function* () {
              yield bytes
            })(),
          }
        },
      })),
    digest,
  })
  const lists = {
    lists: [{ source: { kind: 'bundled' } as const, entries: [fine, small, named('named', 'Named')] }],
    pinned: [],
    leftOut: [],
  }
  const locks = new LocalLocks()
  const store = new Store(locks)
  const keptModels = memoryKept()
  const clock = new FakeClock()
  const settings = new Map<string, string>()
  const rules = new VisitorsRules({
    settings: { get: (name) => settings.get(name), set: (name, value) => void settings.set(name, value) },
    mayPassOn: () => true,
  })
  const forgotten: string[] = []
  const swarm = {
    ...{ ledger: new ExchangeLedger(clock), uploadCap: new RateCap(clock), checks: 0 },
    check: () => void swarm.checks++,
    forget: (model: string) => void forgotten.push(model),
  }
  const brings: { manifest: Manifest; options: DownloadOptions }[] = []
  const fetched: string[] = []
  const letGo: string[] = []
  const hub = {
    url: async () => 'https://hub.example',
    letGo: async ({ repository }: HubWanted) => void letGo.push(repository),
    lookUp: () => Promise.reject(new InfernetError('origin.not-found', { reason: 'there is none' })),
    fetch: async ({ repository }: HubWanted, { onEvicted }: HubFetch) => {
      fetched.push(repository)
      onEvicted([{ model: 'ef'.repeat(32), name: 'Old', bytes: 5, because: 'room' }])
      lists.lists[0]?.entries.push(named('added', 'Added'))
      return modelHash('ad'.repeat(32))
    },
  }
  const make = () =>
    new LibraryHome({
      clock,
      list: () => library.list(lists),
      get: (model) => library.get(model),
      store,
      kept: keptModels,
      locks,
      ...{ swarm, rules, hub },
      bring: async ({ manifest, choice }, options) => {
        brings.push({ manifest, options })
        fetched.push(choice.model)
        return state.isKeeping ? { evicted: [], release: () => void state.releases++ } : undefined
      },
    })
  const home = make()
  const { models } = await home.read()
  const filesOf = (name: string) =>
    library.get(models.find((each) => each.name === name)!.model).manifest.files
  const keep = async (name: string): Promise<void> => {
    for (const file of filesOf(name))
      for (const piece of file.pieces.keys()) {
        const bytes = Uint8Array.from(await fromDisk('/models/infernet-tiny/', file.path))
        expect(await store.put(file, piece, bytes.slice(piece * 2 ** 20, (piece + 1) * 2 ** 20))).toBe('kept')
      }
  }
  const kept = async () =>
    (await home.read()).models.map(({ name, bytes, keptBytes }) => [name, keptBytes, bytes])
  return {
    home,
    letGo,
    keep,
    models,
    kept,
    state,
    make,
    locks,
    filesOf,
    ...{ swarm, rules, forgotten, brings, keptModels, store, fetched },
  }
}

it('tells how much of each model is here, what room there is, and under which licence it is', async () => {
  const { home, keep, models, kept } = await opened()
  expect((await home.read()).room).toEqual({ usedBytes: 0, freeBytes: 4000, isLasting: false })
  await keep('Fine')
  const [[, fineKept, fineBytes] = [], [, smallKept, smallBytes] = []] = await kept()
  expect(fineKept).toBe(fineBytes)
  expect(Number(smallKept)).toBeGreaterThan(0) // the tokenizer, which it shares
  expect(Number(smallKept)).toBeLessThan(Number(smallBytes))
  expect(models.map(({ dtype, licence }) => [dtype, licence?.id])).toEqual([
    ['fp32', 'apache-2.0'],
    ['q4', 'apache-2.0'],
  ])
})

it('deletes the files of one model and of no other, and tells whoever watches', async () => {
  const { home, keep, models, kept } = await opened()
  await keep('Fine')
  await keep('Small')
  let told = 0
  const stop = home.onChange(() => told++)
  await home.remove(models[0]!.model)
  const [[, fineKept] = [], [, smallKept, smallBytes] = []] = await kept()
  expect([smallKept, told]).toEqual([smallBytes, 1])
  expect(Number(fineKept)).toBeLessThan(100_000) // the tokenizer, which the other one has as well
  stop()
  await home.remove(models[1]!.model)
  expect([(await kept()).map(([, bytes]) => bytes), told]).toEqual([[0, 0], 1])
})

it('deletes nothing that runs, and says that it runs', async () => {
  const { home, keep, models, kept, locks, filesOf } = await opened()
  await keep('Fine')
  const release = await useFiles(locks, filesOf('Fine'))
  expect((await home.read()).models.map(({ isInUse }) => isInUse)).toEqual([true, false])
  await expect(home.remove(models[0]!.model)).rejects.toMatchObject({ code: 'models.in-use' })
  const [[, fineKept, fineBytes] = []] = await kept()
  expect(fineKept).toBe(fineBytes)
  release()
  expect((await home.read()).models.map(({ isInUse }) => isInUse)).toEqual([false, false])
})

it('keeps a pin, and tells what went to make room', async () => {
  const { home, models } = await opened()
  await home.pin(models[1]!.model, true)
  expect((await home.read()).models.map(({ isPinned }) => isPinned)).toEqual([false, true])
  home.changed([{ model: 'f'.repeat(64), name: 'Old', bytes: 5, because: 'limit' }])
  expect((await home.read()).events).toMatchObject([{ kind: 'evicted', name: 'Old', because: 'limit' }])
  await home.pin(models[1]!.model, false)
  expect((await home.read()).models.map(({ isPinned }) => isPinned)).toEqual([false, false])
})

it('reads the list once, and again where it could not be had', async () => {
  const { home, state, make } = await opened()
  state.isDown = true
  const later = make()
  await expect(later.read()).rejects.toMatchObject({ code: 'models.unavailable' })
  expect((await home.read()).models).toHaveLength(2)
  state.isDown = false
  expect((await later.read()).models).toHaveLength(2)
})

it('fetches a model, telling what comes from where, and lets it go for the next', async () => {
  const { home, models, brings, state } = await opened()
  const told: FetchProgress[] = []
  const { signal } = new AbortController()
  const onProgress = (progress: FetchProgress): void => void told.push(progress)
  const options = { originsOnly: true, tokenOf: () => 'hf_mine', signal, onProgress }
  const [model] = models
  expect(await home.fetch({ kind: 'model', model: model!.model }, options)).toBe(model!.model)
  expect(state.releases).toBe(1)
  const [{ options: asked }] = brings as [(typeof brings)[0]]
  expect(asked).toMatchObject({ originsOnly: true, signal })
  // Another tab brings it first, then this one goes on.
  asked.onProgress?.({ phase: 'downloading', loadedBytes: 7, totalBytes: 50 })
  const source = { bytes: 20, bytesPerSecond: 1, count: 2 }
  asked.onPieces?.({
    ...{ totalBytes: 50, heldBytes: 37, heldBeforeBytes: 7, missingBytes: 13, wastedBytes: 0, faults: [] },
    ...{ peers: source, origins: { ...source, bytes: 10 }, originState: 'resting', secondsLeft: 1 },
  })
  asked.onProgress?.({ phase: 'downloading', loadedBytes: 37, totalBytes: 50 })
  expect(told).toEqual([
    { totalBytes: 50, keptBytes: 7, fromPeers: 0, fromOrigins: 0 },
    { totalBytes: 50, keptBytes: 7, fromPeers: 20, fromOrigins: 10, peers: 2, origin: 'resting' },
  ])
  state.isKeeping = false
  await expect(home.fetch({ kind: 'model', model: model!.model }, options)).rejects.toMatchObject({
    code: 'models.store-lost',
  })
})

it('stops passing on what is deleted or evicted, and obeys the switch and the limits', async () => {
  const { home, keep, models, forgotten, swarm, rules } = await opened()
  await keep('Fine')
  expect((await home.read()).models.map(({ isShared }) => isShared)).toEqual([true, true])
  await home.share(models[0]!.model, false)
  expect((await home.read()).models.map(({ isShared }) => isShared)).toEqual([false, true])
  expect([swarm.checks, rules.isShared(models[0]!.model)]).toEqual([1, false])
  await home.share(models[0]!.model, true)
  expect(rules.isShared(models[0]!.model)).toBe(true)
  await home.remove(models[0]!.model)
  home.changed([{ model: models[1]!.model, name: 'Small', bytes: 5, because: 'room' }])
  expect([...new Set(forgotten)]).toEqual(models.map(({ model }) => model))
  home.limits.uploadRate(5)
  expect(swarm.uploadCap.bytesPerSecond).toBe(5)
})

it('tells once of a model that was here and is gone or changed, and passes on no more of it', async () => {
  const { home, keep, models, filesOf, keptModels, store, forgotten } = await opened()
  await keep('Fine')
  await home.pin(models[0]!.model, false)
  const [record] = await keptModels.list()
  await keptModels.put({ ...record!, isWhole: true })
  expect((await home.read()).events).toEqual([])
  for (const { sha256 } of filesOf('Fine')) store.gone.add(sha256)
  expect((await home.read()).events).toMatchObject([{ kind: 'vanished', name: 'Infernet Tiny' }])
  expect((await home.read()).events).toHaveLength(1)
  expect(forgotten).toEqual([models[0]!.model])
})

it('names what can be added, adds it from its hub, and reads the lists anew', async () => {
  const { home, fetched } = await opened()
  expect((await home.read()).named?.map(({ name, repository }) => [name, repository])).toEqual([
    ['Named', 'some-lab/Named'],
  ])
  let changes = 0
  home.onChange(() => changes++)
  const wanted = { kind: 'hub', repository: 'some-lab/Added', revision: 'abc', dtype: 'fp32' } as const
  expect(await home.fetch(wanted, asking)).toBe('ad'.repeat(32))
  expect(fetched).toEqual(['some-lab/Added'])
  expect(changes).toBeGreaterThan(0)
  const after = await home.read()
  expect(after.named?.map(({ name }) => name)).toEqual(['Named', 'Added'])
  expect(after.events).toMatchObject([{ kind: 'evicted', name: 'Old' }])
})

it('brings what is known under its real name already, by that name', async () => {
  const at = { kind: 'hub', repository: 'some-lab/Fine', revision: 'abc' } as const
  const origins = fine.origins
  fine.origins.push(at)
  const { home, fetched, models } = await opened()
  const hash = models.find(({ name }) => name === 'Fine')!.model
  const wanted = { ...at, repository: 'Some-Lab/fine', dtype: 'fp32' } as const
  expect(await home.fetch(wanted, asking)).toBe(hash)
  expect(await home.fetch({ kind: 'model', model: hash }, asking)).toBe(hash)
  expect(fetched).toEqual([hash, hash])
  await home.fetch({ ...wanted, revision: 'newer' }, asking)
  await home.fetch({ ...wanted, dtype: 'fp16' }, asking)
  expect(fetched.slice(2)).toEqual(['Some-Lab/fine', 'Some-Lab/fine'])
  origins.pop()
})

it('notes what the visitor wants as on its way, and what is let go as not', async () => {
  const { home, models, keptModels, letGo } = await opened()
  const [model] = models
  const wanted = { kind: 'model', model: model!.model } as const
  await home.fetch(wanted, asking)
  expect(await keptModels.list()).toMatchObject([
    { model: model!.model, comingSince: expect.any(Number) as number },
  ])
  await home.letGo(wanted)
  expect((await keptModels.list()).map(({ comingSince }) => comingSince)).toEqual([undefined])
  await home.letGo({ kind: 'hub', repository: 'owner/new', revision: undefined, dtype: 'q4' })
  expect(letGo).toEqual(['owner/new'])
})
