import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gitHashOf, isLarge, sha256Of, type HubRepository } from './hub-repository.ts'

/** What goes wrong at a hub, each as strangers meet it. */
export interface HubFaults {
  /** The storage sends back to where a request came from. */
  readonly circle?: boolean
  /** The storage sends to ever new places. */
  readonly chain?: boolean
  /** So many answers of the storage end in the middle of the file, those from there on at once. */
  readonly truncates?: number
  /** What is in the storage is other bytes after the first answer. */
  readonly changes?: boolean
  /** The storage answers 200 and the whole file to a range. */
  readonly ignoresRanges?: boolean
  /** So many requests are answered 429, with these headers. */
  readonly busy?: { readonly times: number; readonly headers: Readonly<Record<string, string>> }
  /** A web page with 200. */
  readonly page?: 'listing' | 'file'
  /** The SHA-256 in the listing is of other bytes. */
  readonly wrongHash?: boolean
  /** The sizes in the listing are one byte less. */
  readonly wrongSize?: boolean
  /** Other bytes of the same length come for small files, whose Git hash alone is listed. */
  readonly otherSmallFiles?: boolean
  /** No answer, or none after the first half of a file. */
  readonly silent?: 'listing' | 'file'
  /** So many files more in the listing. */
  readonly moreFiles?: number
  /** So many files on a page of the listing. @default 1000 */
  readonly pageFiles?: number
  /** Another server error for every file. */
  readonly status?: number
}

export interface LocalHub {
  readonly url: string
  readonly storageUrl: string
  /** Takes the place of the faults before. */
  set(faults: HubFaults): void
  /** Bytes of files that were sent. */
  readonly sentBytes: number
  /** Requests that brought a token to the storage. */
  readonly tokensAtStorage: number
  /** Paths of requests to the hub, in order. */
  readonly asked: readonly string[]
  stop(): Promise<void>
}

/** A token of an account that may read everything; any other is of an account that may read nothing gated. */
export const MEMBER_TOKEN = 'hf_member'

/**
 * A hub on this machine that speaks Hugging Face's HTTP API as far as a model's files need it, over repositories in
 * memory. As there, large files lie on another origin, to which `resolve` sends on with their SHA-256 in a header, and
 * small ones behind a relative redirect.
 */
export async function startLocalHub(repositories: readonly HubRepository[]): Promise<LocalHub> {
  const state = new HubState(repositories)
  const storage = await listen((request, response) => void state.storage(request, response))
  const hub = await listen((request, response) => void state.hub(request, response))
  state.url = urlOf(hub)
  state.storageUrl = urlOf(storage)
  return {
    url: state.url,
    storageUrl: state.storageUrl,
    set: (faults) => state.set(faults),
    get sentBytes() {
      return state.sentBytes
    },
    get tokensAtStorage() {
      return state.tokensAtStorage
    },
    get asked() {
      return state.asked
    },
    async stop() {
      await Promise.all([close(hub), close(storage)])
    },
  }
}

/** As the hub and its storage let any page read them. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, range',
  'access-control-expose-headers':
    'ETag, Link, X-Error-Code, X-Repo-Commit, X-Linked-ETag, X-Linked-Size, Accept-Ranges, Content-Range',
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value)
    if (request.method === 'OPTIONS') response.writeHead(204).end()
    else handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

class HubState {
  url = ''
  storageUrl = ''
  sentBytes = 0
  tokensAtStorage = 0
  asked: string[] = []
  readonly #repositories: ReadonlyMap<string, HubRepository>
  #faults: HubFaults = {}
  #busyLeft = 0
  #cutsLeft = 0
  #answers = 0

  constructor(repositories: readonly HubRepository[]) {
    this.#repositories = new Map(repositories.map((each) => [each.name, each]))
  }

  set(faults: HubFaults): void {
    this.#faults = faults
    this.#busyLeft = faults.busy?.times ?? 0
    this.#cutsLeft = faults.truncates ?? 0
    this.#answers = 0
    this.asked = []
    this.sentBytes = 0
  }

  hub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url)
    this.asked.push(url.pathname)
    if (this.#busyLeft > 0) {
      this.#busyLeft--
      return void response.writeHead(429, this.#faults.busy?.headers).end()
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname)
    if (api) return this.#api(request, response, url, api.slice(1))
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname)
    const file = cached ?? /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname)
    if (!file) return refuse(response, 404, undefined)
    this.#file(request, response, file.slice(1), cached !== null)
  }

  #api(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    [name = '', kind, revision]: readonly string[],
  ): void {
    const repository = this.#repositories.get(name)
    // A hub does not tell who is not logged in whether a repository is private.
    if (!repository) return refuse(response, tokenOf(request) ? 404 : 401, 'RepoNotFound')
    if (revision !== 'main' && revision !== repository.commit)
      return refuse(response, 404, 'RevisionNotFound')
    if (this.#faults.silent === 'listing') return
    if (this.#faults.page === 'listing') return page(response)
    const body = kind === 'tree' ? this.#treePage(repository, url, response) : infoOf(repository)
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
  }

  #treePage(repository: HubRepository, url: URL, response: ServerResponse): readonly object[] {
    const { wrongHash, wrongSize, moreFiles = 0, pageFiles = 1000 } = this.#faults
    const files = [...repository.files].map(([path, bytes]) => {
      const size = bytes.length - (wrongSize && isLarge(path) ? 1 : 0)
      const oid = wrongHash ? '0'.repeat(64) : sha256Of(bytes)
      const lfs = isLarge(path) && { lfs: { oid, size, pointerSize: 130 } }
      return { type: 'file', oid: gitHashOf(bytes), size, path, ...lfs }
    })
    const folder = { type: 'directory', oid: '1'.repeat(40), size: 0, path: 'onnx' }
    const more = Array.from({ length: moreFiles }, (_, i) => ({ type: 'file', size: 1, path: `more/${i}` }))
    const all = [folder, ...files, ...more]
    const from = Number(url.searchParams.get('cursor') ?? 0)
    if (from + pageFiles < all.length) {
      url.searchParams.set('cursor', String(from + pageFiles))
      response.setHeader('link', `<${url.href}>; rel="next"`)
    }
    return all.slice(from, from + pageFiles)
  }

  #file(
    request: IncomingMessage,
    response: ServerResponse,
    [name = '', revision, path = '']: readonly string[],
    isCached: boolean,
  ): void {
    const { status, page: isPage, circle, otherSmallFiles } = this.#faults
    const repository = this.#repositories.get(name)
    if (!repository) return refuse(response, 401, 'RepoNotFound')
    const token = tokenOf(request)
    if (repository.gated && token !== MEMBER_TOKEN) return refuse(response, token ? 403 : 401, 'GatedRepo')
    const bytes = repository.files.get(decodeURI(path))
    if (!bytes || revision !== repository.commit) return refuse(response, 404, 'EntryNotFound')
    if (status !== undefined) return refuse(response, status, undefined)
    response.setHeader('x-repo-commit', repository.commit)
    if (isLarge(path)) {
      const place = circle ? `${this.storageUrl}/back${request.url}` : `/${name}/${path}?signature=1`
      response.setHeader('x-linked-size', bytes.length).setHeader('x-linked-etag', `"${sha256Of(bytes)}"`)
      return void response.writeHead(302, { location: new URL(place, this.storageUrl).href }).end()
    }
    const cache = `/api/resolve-cache/models/${name}/${revision}/${path}`
    if (!isCached) return void response.writeHead(307, { location: cache }).end()
    if (isPage === 'file') return page(response)
    const sent = otherSmallFiles ? bytes.map((byte, i) => (i === 2 ? byte ^ 1 : byte)) : bytes
    response.writeHead(200, { etag: `"${gitHashOf(bytes)}"`, 'content-length': sent.length }).end(sent)
    this.sentBytes += sent.length
  }

  storage(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization !== undefined) this.tokensAtStorage++
    const url = new URL(request.url ?? '/', this.storageUrl)
    const { chain, circle, page: isPage } = this.#faults
    if (circle)
      return void response.writeHead(302, { location: this.url + url.pathname.slice('/back'.length) }).end()
    if (chain) {
      const next = Number(url.searchParams.get('next') ?? 0) + 1
      return void response.writeHead(302, { location: `${url.pathname}?next=${next}` }).end()
    }
    const [, owner, name, ...path] = url.pathname.split('/')
    const bytes = this.#repositories.get(`${owner}/${name}`)?.files.get(path.join('/'))
    if (!bytes) return void response.writeHead(403).end()
    if (isPage === 'file') return page(response)
    this.#sendStored(request, response, bytes)
  }

  #sendStored(request: IncomingMessage, response: ServerResponse, stored: Uint8Array): void {
    const { changes, ignoresRanges, silent } = this.#faults
    const isOther = changes === true && this.#answers > 0
    this.#answers++
    const bytes = isOther ? stored.map((byte) => byte ^ 1) : stored
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (from >= bytes.length && from > 0)
      return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    const isPart = request.headers.range !== undefined && !ignoresRanges
    const start = isPart ? from : 0
    const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(isPart ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': bytes.length - start,
      etag: isOther ? '"other"' : '"stored"',
      ...(isPart && range),
    })
    const isCut = this.#cutsLeft > 0
    const half = Math.max(start, Math.ceil(bytes.length / 2))
    const sent = bytes.subarray(start, isCut || silent === 'file' ? half : undefined)
    this.sentBytes += sent.length
    if (silent === 'file') {
      response.flushHeaders()
      return void response.write(sent)
    }
    if (!isCut) return void response.end(sent)
    this.#cutsLeft--
    response.write(sent, () => response.destroy())
  }
}

function infoOf({ name, commit, files, card, gated }: HubRepository): object {
  return {
    id: name,
    modelId: name,
    sha: commit,
    private: false,
    disabled: false,
    gated,
    cardData: card,
    tags: ['onnx', 'text-generation'],
    siblings: [...files.keys()].map((rfilename) => ({ rfilename })),
  }
}

function tokenOf(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
}

function page(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Sign in</html>')
}

function refuse(response: ServerResponse, status: number, code: string | undefined): void {
  response.writeHead(status, code === undefined ? {} : { 'x-error-code': code }).end()
}
