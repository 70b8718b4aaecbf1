import type { Clock } from '#shared/base/clock.ts'
import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import type { KnownModel as LibraryModel, ModelList } from '#shared/client/model-library.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { manifestBytes, type Manifest, type ManifestFile } from '#shared/models/manifest.ts'
import { maySeed } from '#shared/models/pieces/shared-model.ts'
import type { FileStore } from '#shared/models/store/file-store.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import type { StoreLocks } from '#shared/models/store/store-locks.ts'
import { useOf } from '#shared/models/store/use-files.ts'
import { isWeightsFile } from '#shared/models/weight-files.ts'
import { keepStorage } from '../../storage/model-storage.ts'
import { readRoom } from '../../storage/storage-room.ts'
import type { BroughtModel } from '../../weights/bring-model.ts'
import { noteComing, notComing } from '../../weights/coming-models.ts'
import type { DownloadOptions } from '../../weights/download-model.ts'
import type { KeptModels, KeptRecord } from '../../weights/kept-models.ts'
import { keepToLimit, type Evicted } from '../../weights/make-room.ts'
import type { TabSwarm } from '../../weights/tab-swarm.ts'
import type {
  FetchOptions,
  HubModel,
  HubQuestion,
  KnownModel,
  ModelsHome,
  ModelsView,
  Wanted,
} from '../models/services.ts'
import type { TokenOf } from '../models/hub-token.ts'
import type { HubHome, HubWanted } from './hub-home.ts'
import { namedIn } from './named-models.ts'
import type { VisitorsRules } from './share-rules.ts'
import { ShelfEvents } from './shelf-events.ts'

export interface LibraryHomeComponents {
  readonly clock: Clock
  /** Reads the lists anew. */
  readonly list: () => Promise<ModelList>
  readonly get: (model: ModelHash) => LibraryModel
  readonly store: PieceStore & Pick<FileStore, 'remove' | 'list'>
  readonly kept: KeptModels
  readonly locks: StoreLocks
  readonly swarm: Pick<TabSwarm, 'check' | 'forget' | 'ledger' | 'uploadCap'>
  readonly rules: Pick<VisitorsRules, 'isShared' | 'share'>
  /** Adds what a hub has. */
  readonly hub: Pick<HubHome, 'url' | 'lookUp' | 'fetch' | 'letGo'>
  /** As `bringModel`. `tokenOf`: the visitor's own, for the hub alone. */
  readonly bring: (
    known: LibraryModel,
    options: DownloadOptions & { readonly tokenOf: TokenOf },
  ) => Promise<BroughtModel | undefined>
}

/** What of the models that are known lies in this browser. */
export class LibraryHome implements ModelsHome {
  readonly #components: LibraryHomeComponents
  readonly #listeners = new Set<() => void>()
  #listing: Promise<ModelList> | undefined
  readonly #events: ShelfEvents

  constructor(components: LibraryHomeComponents) {
    this.#components = components
    this.#events = new ShelfEvents(components)
  }

  async read(): Promise<ModelsView> {
    const { kept, get } = this.#components
    const { choices, proposals } = await this.#list()
    const [records, room] = await Promise.all([kept.list(), readRoom()])
    const recordOf = new Map(records.map((record) => [record.model, record]))
    const models = await Promise.all(choices.map(({ model }) => this.#look(get(model), recordOf.get(model))))
    const usedBytes = models.reduce((sum, model) => sum + model.keptBytes, 0)
    const named = namedIn(proposals)
    return { models, named, room: { usedBytes, ...room }, events: this.#events.list }
  }

  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  /** Something was downloaded or deleted; these models went to make room for it. */
  changed(evicted: readonly Evicted[] = []): void {
    this.#events.evicted(evicted)
    for (const { model } of evicted) this.#components.swarm.forget(modelHash(model))
    for (const listener of this.#listeners) listener()
  }

  /** The lists name more than before. */
  relist(): void {
    this.#listing = undefined
    this.changed()
  }

  /** @throws InfernetError `models.in-use` where something runs on it, and what the store throws */
  async remove(model: ModelHash): Promise<void> {
    const { get, store, kept, swarm } = this.#components
    const { choices } = await this.#list()
    const stays = new Set<string>()
    for (const other of choices.map((choice) => get(choice.model)))
      if (other.choice.model !== model && (await this.#hasWeights(other)))
        for (const { sha256 } of other.manifest.files) stays.add(sha256)
    for (const file of get(model).manifest.files) {
      if (stays.has(file.sha256)) continue
      await store.remove(file)
      swarm.forget(model) // where it runs nothing was deleted, and it goes on being passed on
    }
    await kept.remove(model)
    this.changed()
  }

  hubUrl(): Promise<string> {
    return this.#components.hub.url()
  }

  lookUp(question: HubQuestion): Promise<HubModel> {
    return this.#components.hub.lookUp(question)
  }

  async fetch(wanted: Wanted, options: FetchOptions): Promise<ModelHash> {
    const { hub } = this.#components
    const model = wanted.kind === 'model' ? wanted.model : await this.#knownAt(wanted)
    if (model !== undefined) return this.#fetchModel(model, options)
    const added = await hub.fetch(wanted as HubWanted, {
      ...options,
      onEvicted: (evicted) => evicted.length > 0 && this.changed(evicted),
    })
    this.relist()
    return added
  }

  async letGo(wanted: Wanted): Promise<void> {
    const model = wanted.kind === 'model' ? wanted.model : await this.#knownAt(wanted)
    if (model !== undefined) await notComing(this.#components.kept, model)
    else await this.#components.hub.letGo(wanted as HubWanted)
    this.changed()
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

  async share(model: ModelHash, on: boolean): Promise<void> {
    this.#components.rules.share(model, on)
    this.#components.swarm.check()
    this.changed()
  }

  readonly limits = {
    uploadRate: (bytesPerSecond: number | undefined): void =>
      this.#components.swarm.uploadCap.set(bytesPerSecond),
    uploadBudget: (bytesPerDay: number | undefined): void =>
      this.#components.swarm.ledger.setBudget(bytesPerDay),
    storage: (bytes: number | undefined): void => void this.#keepTo(bytes),
  }

  makeLasting(): Promise<boolean> {
    return keepStorage()
  }

  async #fetchModel(
    model: ModelHash,
    { originsOnly, tokenOf, signal, onProgress }: FetchOptions,
  ): Promise<ModelHash> {
    await this.#list()
    let isComing = false
    const known = this.#components.get(model)
    const { name, files } = known.manifest
    await noteComing(this.#components, { model, name, files })
    const brought = await this.#components.bring(known, {
      ...{ originsOnly, tokenOf, signal },
      // Before anything comes here, another tab may bring it.
      onProgress: ({ phase, loadedBytes: keptBytes, totalBytes }) => {
        if (!isComing && phase === 'downloading')
          onProgress({ totalBytes, keptBytes, fromPeers: 0, fromOrigins: 0 })
      },
      onPieces: ({ totalBytes, heldBeforeBytes: keptBytes, peers, origins, originState: origin }) => {
        isComing = true
        const from = { fromPeers: peers.bytes, fromOrigins: origins.bytes, peers: peers.count, origin }
        onProgress({ totalBytes, keptBytes, ...from })
      },
    })
    if (!brought) throw new InfernetError('models.store-lost')
    brought.release()
    this.changed(brought.evicted)
    return model
  }

  /** Never throws: what cannot be deleted now is told of by the figures beside the limit. */
  async #keepTo(limitBytes: number | undefined): Promise<void> {
    if (limitBytes === undefined) return
    const gone = await keepToLimit({ ...this.#components, storage: undefined, limitBytes }).catch(() => [])
    if (gone.length > 0) this.changed(gone)
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
    const { store, rules, swarm } = this.#components
    const [keptBytes, weightsHeld] = await Promise.all([
      heldBytes(store, manifest),
      heldBytes(store, { files: weightsOf(manifest) }),
    ])
    if (await this.#events.compare(manifest, record, { weightsHeld, heldBytes: keptBytes }))
      swarm.forget(choice.model)
    return {
      model: choice.model,
      name: choice.name,
      note: choice.note,
      dtype: manifest.dtype,
      bytes: manifestBytes(manifest),
      keptBytes,
      lastUsedAt: record && record.hits > 0 ? epochMillis(record.at) : undefined,
      isInUse: await this.#isInUse(weightsOf(manifest)),
      isPinned: record?.isPinned ?? false,
      isShared: rules.isShared(choice.model) && entry.licence.mayPassOn && maySeed(manifest),
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
