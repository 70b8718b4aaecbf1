import type { ModelHash } from '#shared/base/ids.ts'
import type { KnownModel as LibraryModel, ModelLibrary } from '#shared/client/model-library.ts'
import { isWeightsFile } from '#shared/models/weight-files.ts'
import { manifestBytes } from '#shared/models/manifest.ts'
import { keepsFiles, keptBytes, readRoom, removeFiles } from '../../storage/kept-files.ts'
import { keepStorage } from '../../storage/model-storage.ts'
import type { KnownModel, ModelsHome, ModelsView } from '../models/services.ts'

/** What of the library's models lies in the files of this browser. */
export class LibraryHome implements ModelsHome {
  readonly #library: ModelLibrary
  readonly #listeners = new Set<() => void>()
  #listing: Promise<readonly LibraryModel[]> | undefined

  constructor(library: ModelLibrary) {
    this.#library = library
  }

  isKeeping(): Promise<boolean> {
    return keepsFiles()
  }

  async read(): Promise<ModelsView> {
    const known = await this.#known()
    const [models, { freeBytes, isLasting }] = await Promise.all([Promise.all(known.map(look)), readRoom()])
    const usedBytes = models.reduce((sum, model) => sum + model.keptBytes, 0)
    return { models, room: { usedBytes, freeBytes, isLasting }, events: [] }
  }

  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }
  /** Something was downloaded, or deleted. */
  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  async remove(model: ModelHash): Promise<void> {
    const known = await this.#known()
    const stays = new Set<string>()
    for (const other of known)
      if (other.choice.model !== model && (await hasWeights(other)))
        for (const { sha256 } of other.manifest.files) stays.add(sha256)
    await removeFiles(this.#library.get(model).manifest.files.filter(({ sha256 }) => !stays.has(sha256)))
    this.changed()
  }

  makeLasting(): Promise<boolean> {
    return keepStorage()
  }

  #known(): Promise<readonly LibraryModel[]> {
    this.#listing ??= this.#library
      .list()
      .then((choices) => choices.map(({ model }) => this.#library.get(model)))
      .catch((thrown: unknown) => {
        this.#listing = undefined
        throw thrown
      })
    return this.#listing
  }
}

async function look({ choice, manifest }: LibraryModel): Promise<KnownModel> {
  const kept = await keptBytes(manifest.files)
  return {
    model: choice.model,
    name: choice.name,
    note: choice.note,
    dtype: manifest.dtype,
    bytes: manifestBytes(manifest),
    keptBytes: kept.reduce((sum, bytes) => sum + bytes, 0),
    lastUsedAt: undefined,
    isInUse: false,
    isPinned: false,
    isShared: false,
    licence: undefined,
    isTried: true,
  }
}

/** A tokenizer may lie here for another model's sake. */
async function hasWeights({ manifest }: LibraryModel): Promise<boolean> {
  const weights = manifest.files.filter(({ path }) => isWeightsFile(path, manifest.weights))
  return (await keptBytes(weights)).some((bytes) => bytes > 0)
}
