import type { ModelHash } from '../base/ids.ts'
import { MIB } from '../base/units.ts'
import { eosTokens } from '../models/eos-tokens.ts'
import { createChatTokenizer, type ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from '../models/byte-source.ts'
import {
  filesOf,
  usualPrecision,
  type CatalogueEntry,
  type OriginReference,
  type Precision,
} from '../models/catalogue/entry.ts'
import {
  mergeCatalogues,
  type CatalogueSource,
  type MergedEntry,
  type SourcedList,
} from '../models/catalogue/merge-catalogues.ts'
import { withOwnLicence } from '../models/catalogue/own-licence.ts'
import { loadModel } from '../models/load-model.ts'
import { hashManifest, type Manifest } from '../models/manifest.ts'
import {
  CHAT_TEMPLATE_PATH,
  readChatTemplate,
  readJson,
  readJsonIfAny,
  type ModelFiles,
} from '../models/model-files.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { readSmallFile } from '../models/read-small-file.ts'
import { memoizeAsync } from './memoize-async.ts'
import { WRITING } from '../models/task.ts'
import { readTextTokenizer } from './embed-texts.ts'
import { choiceOf, type ModelChoice } from './model-choice.ts'

/** A manifest with as many files and pieces as one may have takes 9 MB. */
const MAX_MANIFEST_BYTES = 10 * MIB

const TOKENIZER = 'tokenizer.json'
const TOKENIZER_CONFIG = 'tokenizer_config.json'
const GENERATION_CONFIG = 'generation_config.json'
const CONFIG = 'config.json'
const TEXT_FILES: readonly string[] = [TOKENIZER, TOKENIZER_CONFIG, GENERATION_CONFIG, CHAT_TEMPLATE_PATH]

/** The largest that are known have 34 MB. They are read as a whole, on the page's own thread. */
const MAX_TEXT_FILE_BYTES = 64 * MIB

/**
 * Of each list so many manifests are read: a list of others may name more than a page should fetch. What comes later in
 * it is not offered.
 */
const MAX_MANIFESTS = 40

export interface LibraryComponents {
  /**
   * The places of some files, the best first. A folder may be relative to the page; `manifest` names the files of a
   * model.
   */
  readonly sources: (
    origins: readonly OriginReference[],
    manifest: Manifest | undefined,
  ) => readonly ByteSource[]
  readonly digest: Digest
  /** Looks for a manifest by its name, where its place does not give it. @default nowhere */
  readonly findManifest?: (model: ModelHash) => Promise<Manifest>
}

/** What a library is made from. What could not be read of a list is told, not thrown. */
export interface CatalogueLists {
  /** Those whose words are taken first in front. */
  readonly lists: readonly SourcedList[]
  /** What the visitor pinned. */
  readonly pinned: readonly CatalogueEntry[]
  readonly leftOut: readonly LeftOut[]
  /** Manifests that are here already, each under its hash: of what has no place for its own. @default none */
  readonly manifests?: ReadonlyMap<ModelHash, Manifest> | undefined
}

/** What of a list is not used, and why. */
export interface LeftOut {
  /** Undefined where it is not known whose it is. */
  readonly source: CatalogueSource | undefined
  readonly reason: InfernetError
}

/** A model of the catalogue whose manifest could be read. */
export interface KnownModel {
  readonly entry: CatalogueEntry
  /** Where its files lie, the best first. */
  readonly origins: readonly OriginReference[]
  readonly manifest: Manifest
  readonly choice: ModelChoice
}

export interface ModelList {
  /** What can be asked and provided now. */
  readonly choices: readonly ModelChoice[]
  /** What is only known by its origin: somebody has to add it first. */
  readonly proposals: readonly MergedEntry[]
  readonly leftOut: readonly LeftOut[]
}

interface ReadManifest {
  /** The folder that it lies in; undefined where it was here already. */
  readonly folder: string | undefined
  readonly manifest: Manifest
}

/** What reading the lists' manifests came to. */
interface Found {
  readonly manifests: Map<ModelHash, ReadManifest>
  readonly leftOut: LeftOut[]
}

/** The models of a catalogue by their real name, the hash of what is served, and what turns text into their tokens. */
export class ModelLibrary {
  readonly #components: LibraryComponents
  readonly #known = new Map<ModelHash, KnownModel>()
  #listed: readonly CatalogueEntry[] = []

  constructor(components: LibraryComponents) {
    this.#components = components
  }

  /**
   * The models that can be had now, and those that could be added; an entry whose manifest cannot be read is left out.
   *
   * @throws InfernetError `models.*` when none can be read
   */
  async list({ lists, pinned, leftOut, manifests = new Map() }: CatalogueLists): Promise<ModelList> {
    const own = [...manifests].map(([hash, manifest]) => [hash, { folder: undefined, manifest }] as const)
    const found: Found = { manifests: new Map(own), leftOut: [...leftOut] }
    const atPlace = memoizeAsync((place: string) => this.#readManifest(place))
    const { findManifest } = this.#components
    const read: ReadNamed = (place, hash) => readNamed(atPlace(place), hash, findManifest)
    const [kept, ...hashed] = await Promise.all([
      // Others may not take the place of what is pinned while it cannot be read.
      withHashes({ source: { kind: 'own' }, entries: pinned }, { read, found, ifUnread: (entry) => [entry] }),
      ...lists.map((list) => withHashes(list, { read, found, ifUnread: () => [] })),
    ])
    const merged = mergeCatalogues(hashed, kept.entries)
    this.#listed = merged.map(({ entry }) => entry)
    const chosen = merged.map((listed) => this.#choose(listed, found.manifests))
    const choices = chosen.flat()
    if (choices.length === 0) throw found.leftOut[0]?.reason ?? new InfernetError('models.unavailable')
    const proposals = merged.filter(
      ({ entry }, at) => chosen[at]?.length === 0 && usualPrecision(entry)?.manifest === undefined,
    )
    return { choices, proposals, leftOut: found.leftOut }
  }

  /** Undefined for a model that was not listed. */
  find(model: ModelHash): KnownModel | undefined {
    return this.#known.get(model)
  }

  /** What the lists say of a repository of the hub. */
  entryAt(repository: string): CatalogueEntry | undefined {
    const wanted = repository.toLowerCase()
    return this.#listed.find(({ origins }) =>
      origins.some((origin) => origin.kind === 'hub' && origin.repository.toLowerCase() === wanted),
    )
  }

  /** @throws InfernetError `models.unknown` for a model that was not listed */
  get(model: ModelHash): KnownModel {
    const found = this.find(model)
    if (!found) throw new InfernetError('models.unknown')
    return found
  }

  /**
   * What turns chats into tokens and tokens into text, loaded once for each model and checked against its manifest.
   *
   * @throws InfernetError `models.*`
   */
  readonly tokenizer = memoizeAsync(async (model: ModelHash) => this.#loadTokenizer(this.get(model)))

  /**
   * What turns tokens of a model of any task into text: {@link tokenizer} of one that writes.
   *
   * @throws InfernetError `models.*`
   */
  readonly reader = memoizeAsync(async (model: ModelHash): Promise<Pick<ChatTokenizer, 'decode'>> => {
    const known = this.get(model)
    if (known.choice.task === WRITING) return this.tokenizer(model)
    return readTextTokenizer(await this.#load(known, TEXT_FILES))
  })

  async #loadTokenizer(model: KnownModel): Promise<ChatTokenizer> {
    const files = await this.#load(model, TEXT_FILES)
    const generationConfig = await readJsonIfAny(files, GENERATION_CONFIG)
    const tellsEnd = eosTokens(generationConfig).size > 0
    return createChatTokenizer({
      tokenizerJson: await readJson(files, TOKENIZER),
      tokenizerConfig: await readJson(files, TOKENIZER_CONFIG),
      generationConfig,
      config: tellsEnd ? undefined : await readJsonIfAny(await this.#load(model, [CONFIG]), CONFIG),
      contextLength: model.choice.contextLength,
      chatTemplate: await readChatTemplate(files),
    })
  }

  /** Some files of a model, checked against its manifest. */
  async #load({ origins, manifest }: KnownModel, paths: readonly string[]): Promise<ModelFiles> {
    const { sources, digest } = this.#components
    const files = manifest.files.filter(({ path }) => paths.includes(path))
    if (files.some(({ size }) => size > MAX_TEXT_FILE_BYTES))
      throw new InfernetError('models.unsupported', { reason: 'its tokenizer is too large' })
    return loadModel({ sources: sources(origins, manifest), digest }, { ...manifest, files })
  }

  #choose(listed: MergedEntry, manifests: ReadonlyMap<ModelHash, ReadManifest>): readonly ModelChoice[] {
    const { entry } = listed
    const usual = usualPrecision(entry)
    const others = entry.precisions.filter((each) => each !== usual)
    return [...(usual ? [usual] : []), ...others].flatMap((precision) => {
      const found = precision.hash && manifests.get(precision.hash)
      if (!found) return []
      const { manifest } = found
      const own = withOwnLicence(listed, manifest)
      const choice = choiceOf(own, manifest)
      // Two of one name would be told apart by nothing.
      const named = precision === usual ? choice : { ...choice, name: `${choice.name} ${precision.dtype}` }
      this.#known.set(choice.model, {
        entry: own.entry,
        origins: originsOf(entry, found),
        manifest,
        choice: named,
      })
      return [named]
    })
  }

  async #readManifest(place: string): Promise<Manifest> {
    const at = place.lastIndexOf('/') + 1
    const path = place.slice(at)
    const [source] = this.#components.sources([{ kind: 'folder', url: place.slice(0, at) }], undefined)
    if (!source) throw new InfernetError('models.unavailable', { path })
    return parseManifest(await readSmallFile(source, path, MAX_MANIFEST_BYTES), path)
  }
}

/** The manifest at a place, or what is found by its hash where that is known. */
type ReadNamed = (place: string, hash: ModelHash | undefined) => Promise<Manifest>

/** What its place gives; when that is nothing, or something else than it is called, what is found elsewhere. */
async function readNamed(
  reading: Promise<Manifest>,
  hash: ModelHash | undefined,
  find: LibraryComponents['findManifest'],
): Promise<Manifest> {
  if (hash === undefined || !find) return reading
  const atPlace = await reading.catch(() => undefined)
  if (atPlace && hashManifest(atPlace) === hash) return atPlace
  return find(hash).catch(() => reading)
}

/** The folder that has the manifest, then what the entry names. */
function originsOf({ origins }: CatalogueEntry, { folder }: ReadManifest): readonly OriginReference[] {
  if (folder === undefined) return origins
  const isOther = (origin: OriginReference): boolean => origin.kind !== 'folder' || origin.url !== folder
  return [{ kind: 'folder', url: folder }, ...origins.filter(isOther)]
}

interface Reading {
  readonly read: ReadNamed
  readonly found: Found
  readonly ifUnread: (entry: CatalogueEntry) => readonly CatalogueEntry[]
}

/** A list whose entries have the hash of their manifest as it was read. An entry without a manifest stays as it is. */
async function withHashes(
  { source, entries }: SourcedList,
  { read, found, ifUnread }: Reading,
): Promise<SourcedList> {
  let places = 0
  const all = await Promise.all(
    entries.map(async (entry) => {
      if (usualPrecision(entry)?.manifest === undefined) return [entry]
      if (++places > MAX_MANIFESTS) return []
      try {
        return [await withHash(entry, read, found.manifests)]
      } catch (thrown) {
        // Its place is gone, and it is here.
        if (isHere(usualPrecision(entry), found)) return [entry]
        found.leftOut.push({ source, reason: InfernetError.from(thrown, 'models.unavailable') })
        return ifUnread(entry)
      }
    }),
  )
  return { source, entries: all.flat() }
}

function isHere(precision: Precision | undefined, { manifests }: Found): boolean {
  return precision?.hash !== undefined && manifests.has(precision.hash)
}

/** @throws InfernetError `models.corrupt` when there lies another manifest than the entry says */
async function withHash(
  entry: CatalogueEntry,
  read: ReadNamed,
  manifests: Map<ModelHash, ReadManifest>,
): Promise<CatalogueEntry> {
  const usual = usualPrecision(entry)
  const folder = usual && filesOf(entry, usual)
  if (usual?.manifest === undefined || folder === undefined) return entry
  const manifest = await read(usual.manifest, usual.hash)
  const hash = hashManifest(manifest)
  const isMeant =
    hash === (usual.hash ?? hash) && manifest.task === entry.task && manifest.dtype === usual.dtype
  if (!isMeant) throw new InfernetError('models.corrupt', { path: usual.manifest })
  manifests.set(hash, { folder, manifest })
  const precisions = entry.precisions.map((each) => (each === usual ? { ...usual, hash } : each))
  return { ...entry, precisions }
}
