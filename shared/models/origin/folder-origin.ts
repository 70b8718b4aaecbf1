import { InfernetError } from '../../errors/infernet-error.ts'
import { WEIGHTS_PATHS, type Dtype, type Manifest } from '../manifest.ts'
import { parseManifest } from '../parse-manifest.ts'
import { possibleFiles } from '../pick-files.ts'
import { askOrigin, discard, faulty, type HttpComponents } from './ask-origin.ts'
import { MAX_JSON_BYTES } from './limits.ts'
import { mayPass } from './may-pass.ts'
import type { ListedFile, Listing, Origin } from './origin.ts'
import { isPage, readJsonBody } from './read-body.ts'
import { sourceOf } from './source-of.ts'
import { utf8 } from '../../base/bytes.ts'

const DTYPES = Object.keys(WEIGHTS_PATHS) as Dtype[]

/**
 * Folders of models over HTTP, as any web server has them, and as a relay has them at `/models/`.
 *
 * A folder gives no list. Where it holds manifests, as a relay's folders do, these are the list; else the files are
 * asked for by the names that exporters give them.
 *
 * @param baseUrl holds the folder of each model, which `list` takes as the repository; ends in a slash
 */
export function createFolderOrigin(components: HttpComponents, baseUrl: string): Origin {
  return {
    async list({ repository, signal }) {
      const folder = new Folder(components, new URL(`${encodeURI(repository)}/`, baseUrl), signal)
      const manifests = await folder.manifests()
      const files = manifests.length > 0 ? filesOf(manifests) : await folder.look()
      if (files.length === 0)
        throw new InfernetError('origin.not-found', { reason: `${folder.url.href} has no file of a model` })
      return listing(components, folder.url, repository, files, manifests[0])
    },
  }
}

function listing(
  components: HttpComponents,
  url: URL,
  repository: string,
  files: readonly ListedFile[],
  manifest: Manifest | undefined,
): Listing {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reference = { kind: 'folder', url: url.href } as const
  const source = sourceOf(components, reference, { listed: (path) => byPath.get(path) })
  return { repository, revision: undefined, files, licence: manifest?.licence, reference, source }
}

class Folder {
  readonly url: URL
  readonly #components: HttpComponents
  readonly #signal: AbortSignal | undefined

  constructor(components: HttpComponents, url: URL, signal: AbortSignal | undefined) {
    this.#components = components
    this.url = url
    this.#signal = signal
  }

  async manifests(): Promise<readonly Manifest[]> {
    const found = await Promise.all(DTYPES.map((dtype) => this.#manifest(`manifest.${dtype}.json`)))
    return found.filter((manifest) => manifest !== undefined)
  }

  async #manifest(path: string): Promise<Manifest | undefined> {
    const response = await this.#ask(path, 'GET')
    if (!response) return undefined
    const value = await readJsonBody(this.#components.clock, response, {
      what: path,
      maxBytes: MAX_JSON_BYTES,
      signal: this.#signal,
    })
    return parseManifest(utf8(JSON.stringify(value)), path)
  }

  async look(): Promise<readonly ListedFile[]> {
    const names = new Set(DTYPES.flatMap((dtype) => possibleFiles(dtype)))
    const found = await Promise.all([...names].map((path) => this.#look(path)))
    const files = found.filter((file) => file !== undefined)
    // Large exports lie in several files, numbered from the second.
    const more = files.filter(({ path }) => path.endsWith('_data'))
    for (const { path } of more)
      for (let at = 1; ; at++) {
        const next = await this.#look(`${path}_${at}`)
        if (!next || at > MAX_PARTS) break
        files.push(next)
      }
    return files
  }

  async #look(path: string): Promise<ListedFile | undefined> {
    const response = await this.#ask(path, 'HEAD')
    if (!response) return undefined
    const length = response.headers.get('content-length')
    if (length === null || response.headers.has('content-encoding'))
      throw faulty(`it does not tell the size of ${path}`)
    return { path, size: Number(length) }
  }

  /** Undefined where there is no such file: a server that only fails now says nothing of what it has. */
  async #ask(path: string, method: 'GET' | 'HEAD'): Promise<Response | undefined> {
    const headers: Record<string, string> = method === 'HEAD' ? { 'Accept-Encoding': 'identity' } : {}
    const { response } = await askOrigin(this.#components, {
      url: new URL(path, this.url),
      path,
      method,
      headers,
      signal: this.#signal,
    })
    if (response.ok && !isPage(response)) return response
    await discard(response)
    const { ok, status } = response
    const failure = new InfernetError('models.unavailable', { path, status })
    if (!ok && mayPass(failure)) throw failure
    return undefined
  }
}

/** As many as a manifest lists. */
const MAX_PARTS = 32

function filesOf(manifests: readonly Manifest[]): readonly ListedFile[] {
  const files = manifests.flatMap((manifest) => manifest.files)
  return [...new Map(files.map(({ path, size, sha256 }) => [path, { path, size, sha256 }])).values()]
}
