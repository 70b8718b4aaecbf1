import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import type { KnownModel as LibraryModel, ModelList } from '#shared/client/model-library.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { manifestBytes, type Manifest, type ManifestFile } from '#shared/models/manifest.ts'
import type { FileStore } from '#shared/models/store/file-store.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import type { StoreLocks } from '#shared/models/store/store-locks.ts'
import { useOf } from '#shared/models/store/use-files.ts'
import { isWeightsFile } from '#shared/models/weight-files.ts'
import { keepStorage } from '../../storage/model-storage.ts'
import { readRoom } from '../../storage/storage-room.ts'
import type { KeptModels, KeptRecord } from '../../weights/kept-models.ts'
import type {
  FetchOptions,
  HubModel,
  HubQuestion,
  KnownModel,
  ModelEvent,
  ModelsHome,
  ModelsView,
  Wanted,
} from '../models/services.ts'
import type { HubHome, HubWanted } from './hub-home.ts'
import { namedIn } from './named-models.ts'

/** More is no news. */
const MAX_EVENTS = 20

export interface LibraryHomeComponents {
  readonly clock: Pick<Clock, 'now'>
  /** Reads the lists anew. */
  readonly list: () => Promise<ModelList>
  readonly get: (model: ModelHash) => LibraryModel
  readonly store: PieceStore & Pick<FileStore, 'remove'>
  readonly kept: KeptModels
  readonly locks: StoreLocks
  /** Adds what a hub has. */
  readonly hub: Pick<HubHome, 'lookUp' | 'fetch'>
  /** Brings what is missing of a model that is known. */
  readonly bring: (model: ModelHash, options: FetchOptions) => Promise<readonly string[]>
}

/** What of the models that are known lies in this browser. */
export class LibraryHome implements ModelsHome {
  readonly #components: LibraryHomeComponents
  readonly #listeners = new Set<() => void>()
  #listing: Promise<ModelList> | undefined
  #events: readonly ModelEvent[] = []

  constructor(components: LibraryHomeComponents) {
    this.#components = components
  }

  async read(): Promise<ModelsView> {
    const { kept, get } = this.#components
    const { choices, proposals } = await this.#list()
    const [records, room] = await Promise.all([kept.list(), readRoom()])
    const recordOf = new Map(records.map((record) => [record.model, record]))
    const models = await Promise.all(choices.map(({ model }) => this.#look(get(model), recordOf.get(model))))
    const usedBytes = models.reduce((sum, model) => sum + model.keptBytes, 0)
    const named = namedIn(proposals)
    return { models, named, room: { usedBytes, ...room }, events: this.#events }
  }

  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  /** Something was downloaded or deleted; these models went to make room for it. */
  changed(evicted: readonly string[] = []): void {
    const at = this.#components.clock.now()
    const fresh = evicted.map((name) => ({ kind: 'evicted', at, name, bytes: undefined }) as const)
    this.#events = [...this.#events, ...fresh].slice(-MAX_EVENTS)
    for (const listener of this.#listeners) listener()
  }

  /** @throws InfernetError `models.in-use` where something runs on it, and what the store throws */
  async remove(model: ModelHash): Promise<void> {
    const { get, store, kept } = this.#components
    const { choices } = await this.#list()
    const stays = new Set<string>()
    for (const other of choices.map((choice) => get(choice.model)))
      if (other.choice.model !== model && (await this.#hasWeights(other)))
        for (const { sha256 } of other.manifest.files) stays.add(sha256)
    for (const file of get(model).manifest.files) if (!stays.has(file.sha256)) await store.remove(file)
    await kept.remove(model)
    this.changed()
  }

  lookUp(question: HubQuestion): Promise<HubModel> {
    return this.#components.hub.lookUp(question)
  }

  async fetch(wanted: Wanted, options: FetchOptions): Promise<ModelHash> {
    const { hub, bring } = this.#components
    const model = wanted.kind === 'model' ? wanted.model : await this.#knownAt(wanted)
    if (model !== undefined) {
      this.changed(await bring(model, options))
      return model
    }
    const added = await hub.fetch(wanted as HubWanted, {
      ...options,
      onEvicted: (names) => names.length > 0 && this.changed(names),
    })
    this.#listing = undefined
    this.changed()
    return added
  }

  /** What of a hub has its real name already: a list tells its hash for that very commit. */
  async #knownAt({ repository, revision, dtype }: HubWanted): Promise<ModelHash | undefined> {
    const { choices } = await this.#list().catch(() => ({ choices: [] }))
    const isThat = ({ entry, manifest, choice }: LibraryModel): boolean =>
      manifest.dtype === dtype &&
      entry.precisions.some((precision) => precision.hash === choice.model) &&
      entry.origins.some(
        (origin) =>
          origin.kind === 'hub' &&
          origin.repository.toLowerCase() === repository.toLowerCase() &&
          origin.revision !== undefined &&
          origin.revision === revision,
      )
    return choices.find(({ model }) => isThat(this.#components.get(model)))?.model
  }

  async pin(model: ModelHash, on: boolean): Promise<void> {
    const { get, kept, clock } = this.#components
    const { manifest } = get(model)
    const before = (await kept.list()).find((record) => record.model === model)
    await kept.put({
      model,
      name: manifest.name,
      hits: 0,
      at: clock.now(),
      floor: 0,
      refetchSeconds: 0,
      revenue: 0,
      files: manifest.files.map(({ sha256, size }) => ({ sha256, size })),
      ...before,
      isPinned: on,
    })
    this.changed()
  }

  makeLasting(): Promise<boolean> {
    return keepStorage()
  }

  #list(): Promise<ModelList> {
    this.#listing ??= this.#components.list().catch((thrown: unknown) => {
      this.#listing = undefined
      throw thrown
    })
    return this.#listing
  }

  async #look(
    { choice, manifest, entry }: LibraryModel,
    record: KeptRecord | undefined,
  ): Promise<KnownModel> {
    return {
      model: choice.model,
      name: choice.name,
      note: choice.note,
      dtype: manifest.dtype,
      bytes: manifestBytes(manifest),
      keptBytes: await heldBytes(this.#components.store, manifest),
      lastUsedAt: record && record.hits > 0 ? epochMillis(record.at) : undefined,
      isInUse: await this.#isInUse(weightsOf(manifest)),
      isPinned: record?.isPinned ?? false,
      isShared: false,
      licence: licenceOf(entry),
      isTried: entry.tried,
    }
  }

  async #isInUse(files: readonly ManifestFile[]): Promise<boolean> {
    for (const file of files) {
      const release = await this.#components.locks.tryAcquire(useOf(file), 'exclusive')
      if (!release) return true
      release()
    }
    return false
  }

  /** A tokenizer may lie here for another model's sake. */
  async #hasWeights({ manifest }: LibraryModel): Promise<boolean> {
    return (await heldBytes(this.#components.store, { files: weightsOf(manifest) })) > 0
  }
}

function weightsOf({ files, weights }: Manifest): ManifestFile[] {
  return files.filter(({ path }) => isWeightsFile(path, weights))
}

function licenceOf({ licence }: CatalogueEntry): KnownModel['licence'] {
  const { id, link, mayPassOn, isGated } = licence
  return { id, link, mayPassOn, isGated }
}
