import type { IncomingMessage, ServerResponse } from 'node:http'
import { PAGE_PATHS } from '#shared/base/page-paths.ts'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkInfo } from '#shared/mesh/network-info.ts'
import { PUBLICATIONS_FILE, SERVED_PUBLISHED } from '#shared/models/catalogue/publications.ts'
import type { ServedCatalogue } from '../config/catalogue-file.ts'
import type { RelayConfig } from '../config/options.ts'
import type { Logger } from '../observe/log.ts'
import type { RelayMetrics } from '../observe/metrics.ts'
import type { AddressLimiter } from './address-limiter.ts'
import type { FindClientAddress } from './client-address.ts'
import type { ChainPort } from './chain-port.ts'
import type { FileIndex, ServedFile } from './file-index.ts'
import { answerPost, refusalBody, type JsonRoute } from './json-post.ts'
import type { HealthInfo } from './network-info.ts'
import { HeaderDoubts } from './header-doubts.ts'
import { MetricsReaders } from './metrics-readers.ts'
import type { SeenHost } from './own-address.ts'
import { hashOfPage } from './page-hash.ts'
import { PlaceFinder } from './place.ts'
import { answerPublications, answerPublished, type PublicationsPort } from './publications-route.ts'
import { respond, respondJson } from './respond.ts'
import { posterOf } from './same-origin.ts'
import { SECURITY_HEADERS, strictTransportFor } from './security-headers.ts'
import { IMMUTABLE, matches, REVALIDATE, sendFile } from './send-file.ts'

export interface RouteComponents {
  readonly config: RelayConfig
  readonly log: Logger
  readonly metrics: RelayMetrics
  readonly page: FileIndex
  readonly models: FileIndex
  readonly added: FileIndex
  readonly limiter: AddressLimiter
  readonly clientAddress: FindClientAddress
  readonly health: () => HealthInfo
  readonly networkInfo: (seen: SeenHost) => NetworkInfo
  /** Undefined where the relay is attached to no chain. */
  readonly chain: () => ChainPort | undefined
  readonly catalogue: () => ServedCatalogue | undefined
  /** Undefined where the relay is attached to no chain. */
  readonly publications: () => PublicationsPort | undefined
  readonly mayAddress: (ip: string) => boolean
}

/** One row of what the public port answers. */
interface Route {
  /** The label of the metric. */
  readonly name: string
  /** The exact path, or with a slash at its end all below it. */
  readonly path: string
  /** Only a row with `POST` takes a body. */
  readonly methods: readonly string[]
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    url: RequestUrl,
  ) => Promise<void> | void
}

interface RequestUrl {
  readonly path: string
  readonly query: URLSearchParams
}

/** All else is a file or it is not here. */
const PAGE_ROUTES: ReadonlySet<string> = new Set(PAGE_PATHS)
/** What Vite names by its content. */
const HASHED_ASSET = /^assets\/[^/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9.]+$/

/** Answers HTTP requests: the page, the models, `/catalogue.json`, `/publications.json`, `/network.json`, `/health`, `/metrics`, and what is asked of the chain. */
export function createRoutes(
  components: RouteComponents,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { config, log, metrics, limiter, clientAddress } = components
  const places = new PlaceFinder(config)
  const doubts = new HeaderDoubts(log, config)
  const routes = routeTable(components, places)
  return (request, response) => {
    const place = places.of(request)
    doubts.look(request, place)
    if (places.isSecure(request)) setHeaders(response, strictTransportFor(place?.host))
    const client = clientAddress(request)
    const leave = limiter.enter(client.group)
    const asked = readUrl(request.url)
    const url = asked && belowFolder(asked, places.folders)
    const route = url && routes.find((row) => isAt(row, url.path))
    response.once('close', () => {
      if (typeof leave !== 'string') leave()
      const name = route?.name ?? 'bad'
      metrics.httpRequests.inc({ route: name, status: response.statusCode })
      log.trace({ ip: client.ip, route: name, status: response.statusCode }, 'request')
    })
    if (asked && places.folders.includes(`${asked.path}/`)) return redirectInto(request, response, asked.path)
    const isDenied = !components.mayAddress(client.ip) && !ALWAYS.has(route?.name ?? '')
    const refusal = isDenied ? FORBIDDEN : typeof leave === 'string' ? TOO_MANY : refusalOf(request, route)
    if (refusal || !route || !url) return respond(request, response, refusal ?? BAD_REQUEST)
    const answer = async (): Promise<void> => route.answer(request, response, url)
    answer().catch((thrown: unknown) => {
      if (response.destroyed) return // who asked went: no fault of ours, and nobody may fill the log with it
      log.error({ err: thrown, route: route.name }, 'request failed')
      if (response.headersSent) response.destroy()
      else respond(request, response, { status: 500, body: 'Internal Server Error\n' })
    })
  }
}

const NOT_FOUND = { status: 404, body: 'Not Found\n' } as const
const BAD_REQUEST = { status: 400, body: 'Bad Request\n', headers: { Connection: 'close' } } as const
const FORBIDDEN = { status: 403, body: 'Forbidden\n', headers: { Connection: 'close' } } as const
/** Asked by the operator's own machines, which a list of strangers is not meant for. */
const ALWAYS: ReadonlySet<string> = new Set(['health', 'metrics'])
/** A name with an underscore, as nginx calls its upstreams, is no host. */
const NO_PLACE =
  'The Host header names no host that a page could dial. Say with --announce where this relay is.\n'
const TOO_MANY = { status: 429, body: 'Too Many Requests\n', headers: { 'Retry-After': '5' } } as const

const GET = ['GET', 'HEAD']
const POST = ['POST']

/** All that is answered; the first row that fits answers. */
function routeTable(components: RouteComponents, places: PlaceFinder): readonly Route[] {
  const { config, metrics, page, health, networkInfo } = components
  const readers = new MetricsReaders(config, places)
  return [
    {
      name: 'health',
      path: '/health',
      methods: GET,
      answer: async (request, response) => {
        const pageSha256 = await hashOfPage(page)
        const info: HealthInfo = { ...health(), ...(pageSha256 && { pageSha256 }) }
        respondJson(request, response, info, info.status === 'ok' ? 200 : 503)
      },
    },
    {
      name: 'metrics',
      path: '/metrics',
      methods: GET,
      answer: async (request, response) => {
        if (!readers.may(request)) return respond(request, response, NOT_FOUND)
        respond(request, response, { status: 200, body: await metrics.text(), type: metrics.contentType })
      },
    },
    {
      name: 'network',
      path: '/network.json',
      methods: GET,
      answer: (request, response) => {
        const place = places.of(request)
        if (!place) return respond(request, response, { ...BAD_REQUEST, body: NO_PLACE })
        respondJson(request, response, networkInfo(place))
      },
    },
    { name: 'catalogue', path: '/catalogue.json', methods: GET, answer: catalogueFile(components) },
    {
      name: 'publications',
      path: `/${PUBLICATIONS_FILE}`,
      methods: GET,
      answer: (request, response) => answerPublications(components.publications(), request, response),
    },
    {
      name: 'published',
      path: SERVED_PUBLISHED,
      methods: GET,
      answer: (request, response, { path }) =>
        answerPublished(components.publications(), request, response, path),
    },
    jsonRoute(components, places, 'rpc', { pick: (port) => port?.rpc, none: 'chain.none' }),
    jsonRoute(components, places, 'faucet', { pick: (port) => port?.faucet, none: 'faucet.none' }),
    { name: 'models', path: '/models/', methods: GET, answer: modelFiles(components) },
    { name: 'page', path: '/', methods: GET, answer: pageFiles(components) },
  ]
}

/** What the chain answers, or that there is none. */
function jsonRoute(
  { clientAddress, chain }: RouteComponents,
  places: PlaceFinder,
  name: string,
  { pick, none }: { pick: (port: ChainPort | undefined) => JsonRoute | undefined; none: ErrorCode },
): Route {
  return {
    name,
    path: `/${name}`,
    methods: POST,
    answer: (request, response) => {
      const route = pick(chain())
      if (!route) return respondJson(request, response, refusalBody(new InfernetError(none)), 404)
      const poster = posterOf(request, places)
      return answerPost(request, response, { ...route, poster }, clientAddress(request))
    },
  }
}

/** Asked about at each visit: the operator may have changed it. */
function catalogueFile({ catalogue }: RouteComponents): Route['answer'] {
  return (request, response) => {
    const served = catalogue()
    if (!served) return respond(request, response, NOT_FOUND)
    const headers = { ETag: served.etag, 'Cache-Control': REVALIDATE }
    if (matches(request.headers['if-none-match'], served.etag))
      return void response.writeHead(304, { ...SECURITY_HEADERS, ...headers }).end()
    respond(request, response, { status: 200, body: served.body, type: 'application/json', headers })
  }
}

function modelFiles({ models, added }: RouteComponents): Route['answer'] {
  return async (request, response, { path, query }) => {
    const name = path.slice('/models/'.length)
    const file = (await models.find(name)) ?? (await added.find(name))
    const wanted = query.get('sha256')
    if (!file || !(await isWanted(file, wanted))) return respond(request, response, NOT_FOUND)
    await sendFile(request, response, file, wanted === null ? REVALIDATE : IMMUTABLE)
  }
}

function pageFiles({ page }: RouteComponents): Route['answer'] {
  return async (request, response, { path }) => {
    const name = PAGE_ROUTES.has(path) ? 'index.html' : path.slice(1)
    const file = await page.find(name)
    if (file) return sendFile(request, response, file, HASHED_ASSET.test(name) ? IMMUTABLE : REVALIDATE)
    const body = path === '/' ? 'The page is not built. Run: npm run build\n' : NOT_FOUND.body
    respond(request, response, { status: 404, body })
  }
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
}

function isAt({ path }: Route, asked: string): boolean {
  return path.endsWith('/') ? asked.startsWith(path) : asked === path
}

/** The path as it is without the folder that a proxy has put the relay into, where the proxy left it there. */
function belowFolder({ path, query }: RequestUrl, folders: readonly string[]): RequestUrl {
  const folder = folders.find((each) => path.startsWith(each))
  return { path: folder === undefined ? path : path.slice(folder.length - 1), query }
}

/** The page's own links are relative to its folder, so it must stand below it. */
function redirectInto(request: IncomingMessage, response: ServerResponse, path: string): void {
  const name = path.slice(path.lastIndexOf('/') + 1)
  respond(request, response, { status: 308, body: '', headers: { Location: `./${name}/` } })
}

/** A hash in the address is a promise about the bytes: another file under that name is not what was asked for. */
async function isWanted(file: ServedFile, sha256: string | null): Promise<boolean> {
  return sha256 === null || sha256.toLowerCase() === (await file.sha256())
}

function refusalOf({ method = '', headers }: IncomingMessage, route: Route | undefined) {
  if (!route) return BAD_REQUEST
  if (!route.methods.includes(method)) return methodNotAllowed(route.methods.join(', '))
  if (route.methods.includes('POST')) return undefined
  // Nothing else takes a body; reading one to its end would only serve who sends it.
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  return hasBody ? { ...BAD_REQUEST, status: 413, body: 'Content Too Large\n' } : undefined
}

function methodNotAllowed(allowed: string) {
  return { status: 405, body: 'Method Not Allowed\n', headers: { Allow: allowed, Connection: 'close' } }
}

/** Path and query of an origin-form target, decoded once; undefined for all else. */
function readUrl(target: string | undefined): RequestUrl | undefined {
  const [, rawPath, rawQuery = ''] = /^(\/[^?#]*)(?:\?([^#]*))?$/.exec(target ?? '') ?? []
  if (rawPath === undefined) return undefined
  try {
    return { path: decodeURIComponent(rawPath), query: new URLSearchParams(rawQuery) }
  } catch {
    return undefined
  }
}
