import { concatBytes } from '../base/bytes.ts'
import type { ModelHash } from '../base/ids.ts'
import { MIB } from '../base/units.ts'
import { eosTokens } from '../engine/eos-tokens.ts'
import { createChatTokenizer, type ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from '../models/byte-source.ts'
import { CATALOGUE, type CatalogueEntry } from '../models/catalogue.ts'
import { loadModel } from '../models/load-model.ts'
import type { Manifest } from '../models/manifest.ts'
import {
  CHAT_TEMPLATE_PATH,
  readChatTemplate,
  readJson,
  readJsonIfAny,
  type ModelFiles,
} from '../models/model-files.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { WRITING } from '../models/task.ts'
import { memoizeAsync } from './memoize-async.ts'
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

export interface LibraryComponents {
  /** The files below the `baseUrl` of an entry, which may be relative to the page. */
  readonly source: (baseUrl: string) => ByteSource
  readonly digest: Digest
}

/** A model of the catalogue whose manifest could be read. */
export interface KnownModel {
  readonly entry: CatalogueEntry
  readonly manifest: Manifest
  readonly choice: ModelChoice
}

/** The models of a catalogue by their real name, the hash of what is served, and what turns text into their tokens. */
export class ModelLibrary {
  readonly #components: LibraryComponents
  readonly #entries: readonly CatalogueEntry[]
  readonly #known = new Map<ModelHash, KnownModel>()

  constructor(components: LibraryComponents, entries = CATALOGUE) {
    this.#components = components
    this.#entries = entries
  }

  /**
   * The models that write and can be had now; an entry that cannot be read is left out. One of another task is known
   * from then on, but nobody picks it for a question.
   *
   * @throws InfernetError `models.*` when none can be read
   */
  async list(): Promise<readonly ModelChoice[]> {
    const read = await Promise.allSettled(this.#entries.map((entry) => this.#read(entry)))
    const choices = read
      .flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      .filter(({ model }) => this.find(model)?.manifest.task === WRITING)
    const refused = read.find((result) => result.status === 'rejected')
    if (choices.length === 0) throw InfernetError.from(refused?.reason, 'models.unavailable')
    return choices
  }

  /** Undefined for a model that was not listed. */
  find(model: ModelHash): KnownModel | undefined {
    return this.#known.get(model)
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
  async #load({ entry, manifest }: KnownModel, paths: readonly string[]): Promise<ModelFiles> {
    const { source, digest } = this.#components
    const files = manifest.files.filter(({ path }) => paths.includes(path))
    if (files.some(({ size }) => size > MAX_TEXT_FILE_BYTES))
      throw new InfernetError('models.unsupported', { reason: 'its tokenizer is too large' })
    return loadModel({ source: source(entry.baseUrl), cache: undefined, digest }, { ...manifest, files })
  }

  async #read(entry: CatalogueEntry): Promise<ModelChoice> {
    const path = entry.manifests[entry.dtype]
    if (path === undefined) throw new InfernetError('models.unavailable', { path: entry.id })
    const manifest = parseManifest(await readAll(this.#components.source(entry.baseUrl), path), path)
    const choice = choiceOf(entry, manifest)
    this.#known.set(choice.model, { entry, manifest, choice })
    return choice
  }
}

async function readAll(source: ByteSource, path: string): Promise<Uint8Array> {
  const { body } = await source.open(path, { offset: 0 })
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > MAX_MANIFEST_BYTES) throw new InfernetError('models.corrupt', { path })
    parts.push(part)
  }
  return concatBytes(...parts)
}
