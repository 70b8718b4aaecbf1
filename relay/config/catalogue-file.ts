import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { BUNDLED_CATALOGUE } from '#shared/models/catalogue/bundled.ts'
import { MAX_CATALOGUE_LENGTH, parseCatalogue } from '#shared/models/catalogue/catalogue.ts'
import { SERVED_MODELS, usualPrecision, type CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { signCatalogue } from '#shared/models/catalogue/signed-catalogue.ts'
import { FileWatch } from '../base/file-watch.ts'
import { unread } from '../base/file-words.ts'
import { badOption, StartError } from '../base/start-error.ts'

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

/** The models that this relay proposes: the file of `--catalogue`, read again when it changes, else the bundled list. */
export class CatalogueFile {
  readonly #path: string
  readonly #key: PrivateKey
  readonly #modelsFolder: string
  readonly #watch: FileWatch
  #entries: readonly CatalogueEntry[]
  #text: string
  #served: ServedCatalogue | undefined
  #init: CatalogueFileInit | undefined
  /** Signed one after the other, so that the newest text is what goes out in the end. */
  #signing: Promise<void> = Promise.resolve()

  /** @throws StartError when it is named and cannot be taken. */
  constructor(path: string, { key, modelsFolder }: { key: PrivateKey; modelsFolder: string }) {
    this.#path = path
    this.#key = key
    this.#modelsFolder = modelsFolder
    this.#text = this.#read()
    this.#entries = this.#parse(this.#text)
    this.#watch = new FileWatch(path, () => this.reload())
  }

  get entries(): readonly CatalogueEntry[] {
    return this.#entries
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
    if (this.#path === '') return
    try {
      const text = this.#read()
      this.#entries = this.#parse(text)
      this.#text = text
      void this.#sign().then(() => this.#init?.onChange(this.#entries.length))
    } catch (thrown) {
      this.#init?.onRefused(
        `${thrown instanceof Error ? thrown.message : String(thrown)} What was read before stays.`,
      )
    }
  }

  stop(): void {
    this.#watch.stop()
  }

  #sign(): Promise<void> {
    this.#signing = this.#signing.then(async () => {
      const text = this.#path === '' ? bundledIn(this.#modelsFolder) : this.#text
      const body = await signCatalogue(text, this.#key)
      this.#served = { body, etag: `"${createHash('sha256').update(body).digest('hex')}"` }
    })
    return this.#signing
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

/** The bundled list without what this relay should serve itself and does not have. */
function bundledIn(modelsFolder: string): string {
  const has = (place: string): boolean =>
    !place.startsWith(SERVED_MODELS) || existsSync(join(modelsFolder, place.slice(SERVED_MODELS.length)))
  const { entries, ...list } = JSON.parse(BUNDLED_CATALOGUE) as { readonly entries: CatalogueEntry[] }
  const here = entries.filter((entry) => has(usualPrecision(entry)?.manifest ?? ''))
  return JSON.stringify({ ...list, entries: here })
}
