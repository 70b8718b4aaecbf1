import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { BUNDLED_CATALOGUE } from '#shared/models/catalogue/bundled.ts'
import { MAX_CATALOGUE_LENGTH, parseCatalogue } from '#shared/models/catalogue/catalogue.ts'
import { usualPrecision, type CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { signCatalogue } from '#shared/models/catalogue/signed-catalogue.ts'
import { FileWatch } from '../base/file-watch.ts'
import { unread } from '../base/file-words.ts'
import { badOption, StartError } from '../base/start-error.ts'
import { ADDED_INDEX, entriesOf, readAddedModels } from './added-models.ts'
import type { LocateModelFile } from './models-folder.ts'

/** `/catalogue.json` as it goes out. */
export interface ServedCatalogue {
  readonly body: string
  readonly etag: string
}

export interface CatalogueFileInit {
  readonly onChange: (models: number) => void
  /** Told of a file that cannot be taken; what was read before stays. */
  readonly onRefused: (words: string) => void
}

export interface CatalogueFileComponents {
  readonly key: PrivateKey
  readonly locate: LocateModelFile
  /** What the operator added with `npm run model`. */
  readonly addedFolder: string
}

/**
 * The models that this relay proposes: the file of `--catalogue`, else the bundled list, and what its operator added
 * from a hub. Both are read again when they change.
 */
export class CatalogueFile {
  readonly #path: string
  readonly #components: CatalogueFileComponents
  readonly #watches: readonly FileWatch[]
  #listed: readonly CatalogueEntry[]
  #added: readonly CatalogueEntry[]
  #text: string
  #served: ServedCatalogue | undefined
  #init: CatalogueFileInit | undefined
  /** Signed one after the other, so that the newest text is what goes out in the end. */
  #signing: Promise<void> = Promise.resolve()

  /** @throws StartError when it is named and cannot be taken. */
  constructor(path: string, components: CatalogueFileComponents) {
    this.#path = path
    this.#components = components
    this.#text = this.#read()
    this.#listed = this.#parse(this.#text)
    this.#added = this.#readAdded()
    const index = join(components.addedFolder, ADDED_INDEX)
    this.#watches = [path, index].map((each) => new FileWatch(each, () => this.reload()))
  }

  get entries(): readonly CatalogueEntry[] {
    return [...this.#listed, ...this.#added]
  }
  /** Undefined before the first list was signed. */
  get served(): ServedCatalogue | undefined {
    return this.#served
  }

  async start(init: CatalogueFileInit): Promise<void> {
    this.#init = init
    await this.#sign()
  }

  reload(): void {
    try {
      const text = this.#read()
      this.#listed = this.#parse(text)
      this.#text = text
      this.#added = this.#readAdded()
      void this.#sign().then(() => this.#init?.onChange(this.entries.length))
    } catch (thrown) {
      this.#init?.onRefused(
        `${thrown instanceof Error ? thrown.message : String(thrown)} What was read before stays.`,
      )
    }
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop()
  }

  #sign(): Promise<void> {
    this.#signing = this.#signing.then(async () => {
      const body = await signCatalogue(this.#proposed(), this.#components.key)
      this.#served = { body, etag: `"${createHash('sha256').update(body).digest('hex')}"` }
    })
    return this.#signing
  }

  /** The operator's own list as it was written, where nothing was added to it. */
  #proposed(): string {
    if (this.#path !== '' && this.#added.length === 0) return this.#text
    const { entries, ...list } = JSON.parse(this.#text) as { readonly entries: readonly CatalogueEntry[] }
    // What this relay should serve itself and does not have is no proposal of its.
    const isHere = (entry: CatalogueEntry): boolean => {
      const file = this.#components.locate(usualPrecision(entry)?.manifest ?? '')
      return file === undefined || existsSync(file)
    }
    const own = this.#path === '' ? entries.filter(isHere) : entries
    return JSON.stringify({ ...list, entries: [...own, ...this.#added] })
  }

  /** Beside what is listed already; a list may name them better. */
  #readAdded(): readonly CatalogueEntry[] {
    const known = new Set(this.#listed.map(({ id }) => id))
    return entriesOf(readAddedModels(this.#components.addedFolder)).filter(({ id }) => !known.has(id))
  }

  #read(): string {
    if (this.#path === '') return BUNDLED_CATALOGUE
    try {
      const { size } = statSync(this.#path)
      if (size > MAX_CATALOGUE_LENGTH)
        throw this.#refusal(`has ${size} bytes; ${MAX_CATALOGUE_LENGTH} are the most.`)
      return readFileSync(this.#path, 'utf8')
    } catch (thrown) {
      if (thrown instanceof StartError) throw thrown
      throw badOption('--catalogue', ...unread(this.#path, thrown, 'Check the path.'))
    }
  }

  /** Of the operator's own list no entry is left out in silence: the whole is refused, with the place. */
  #parse(text: string): readonly CatalogueEntry[] {
    try {
      const { entries, refused } = parseCatalogue(text)
      const [first] = refused
      if (!first) return entries
      throw this.#refusal(`"${first.field}" of entry ${first.at + 1} is not what may stand there.`)
    } catch (thrown) {
      if (thrown instanceof InfernetError) throw this.#refusal(`${String(thrown.facts['reason'])}.`)
      throw thrown
    }
  }

  #refusal(what: string): Error {
    return badOption('--catalogue', `${this.#path}: ${what}`, 'The relay README shows what may stand there.')
  }
}
