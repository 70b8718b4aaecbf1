import type { IncomingMessage, ServerResponse } from 'node:http'
import { isPrivateIp } from '@libp2p/utils'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { RelayConfig } from '../config/options.ts'
import type { Logger } from '../observe/log.ts'
import type { RelayMetrics } from '../observe/metrics.ts'
import type { AddressLimiter } from './address-limiter.ts'
import { isFromProxy, type FindClientAddress } from './client-address.ts'
import { MAX_RPC_BODY_BYTES } from '../chain/limits.ts'
import type { ChainPort } from './chain-port.ts'
import type { FileIndex, ServedFile } from './file-index.ts'
import { answerPost, refusalBody, type JsonHandler } from './json-post.ts'
import type { HealthInfo, NetworkInfo } from './network-info.ts'
import { parseHostHeader, type SeenHost } from './own-address.ts'
import { respond, respondJson } from './respond.ts'
import { IMMUTABLE, REVALIDATE, sendFile } from './send-file.ts'

export interface RouteComponents {
  readonly config: RelayConfig
  readonly log: Logger
  readonly metrics: RelayMetrics
  readonly page: FileIndex
  readonly models: FileIndex
  readonly limiter: AddressLimiter
  readonly clientAddress: FindClientAddress
  readonly health: () => HealthInfo
  readonly networkInfo: (seen: SeenHost) => NetworkInfo
  /** Undefined where the relay is attached to no chain. */
  readonly chain: () => ChainPort | undefined
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: RequestUrl) => Promise<void> | void
interface RequestUrl {
  readonly path: string
  readonly query: URLSearchParams
}

/** Addresses that the page's own router draws. All else is a file or it is not here. */
const PAGE_ROUTES = new Set(['/', '/provide', '/network', '/wallet'])
/** What Vite names by its content. */
const HASHED_ASSET = /^assets\/[^/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9.]+$/

/** Answers HTTP requests: the page, the models, `/network.json`, `/health`, `/metrics`, and what is asked of the chain. */
export function createRoutes(
  components: RouteComponents,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { config, log, metrics, limiter, clientAddress } = components
  const routes = routeTable(components)
  let isWarned = false
  return (request, response) => {
    if (!isWarned && isThroughUntrustedProxy(request, config)) {
      isWarned = true // once: clients can send that header too
      log.warn(
        'requests carry X-Forwarded-For: if a proxy stands in front, set --trust-proxy, else all share its limits',
      )
    }
    const client = clientAddress(request)
    const leave = limiter.enter(client.group)
    const url = readUrl(request.url)
    const route = url === undefined ? 'bad' : routeOf(url.path)
    response.once('close', () => {
      if (typeof leave !== 'string') leave()
      metrics.httpRequests.inc({ route, status: response.statusCode })
      log.trace({ ip: client.ip, route, status: response.statusCode }, 'request')
    })
    const refusal = typeof leave === 'string' ? TOO_MANY : refusalOf(request, url, POST_ROUTES.has(route))
    if (refusal || url === undefined) return respond(request, response, refusal ?? BAD_REQUEST)
    const answer = async (): Promise<void> => routes[route](request, response, url)
    answer().catch((thrown: unknown) => {
      log.error({ err: thrown, route }, 'request failed')
      if (response.headersSent) response.destroy()
      else respond(request, response, { status: 500, body: 'Internal Server Error\n' })
    })
  }
}

type Route = 'health' | 'metrics' | 'network' | 'models' | 'page' | 'rpc' | 'faucet'

/** What takes a body. */
const POST_ROUTES: ReadonlySet<Route | 'bad'> = new Set(['rpc', 'faucet'])
/** An address in JSON, with room. */
const MAX_FAUCET_BODY_BYTES = 1024

function routeOf(path: string): Route {
  if (path === '/health') return 'health'
  if (path === '/metrics') return 'metrics'
  if (path === '/network.json') return 'network'
  if (path === '/rpc') return 'rpc'
  if (path === '/faucet') return 'faucet'
  return path.startsWith('/models/') ? 'models' : 'page'
}

const NOT_FOUND = { status: 404, body: 'Not Found\n' } as const
const BAD_REQUEST = { status: 400, body: 'Bad Request\n', headers: { Connection: 'close' } } as const
const TOO_MANY = { status: 429, body: 'Too Many Requests\n', headers: { 'Retry-After': '5' } } as const

function routeTable(components: RouteComponents): Record<Route | 'bad', Handler> {
  const { config, metrics, page, models, health, networkInfo, clientAddress, chain } = components
  const post =
    (
      pick: (port: ChainPort | undefined) => JsonHandler | undefined,
      { maxBytes, none }: { maxBytes: number; none: ErrorCode },
    ): Handler =>
    (request, response) => {
      const handler = pick(chain())
      if (!handler) return respondJson(request, response, refusalBody(new InfernetError(none)), 404)
      return answerPost(request, response, handler, { client: clientAddress(request), maxBytes })
    }
  return {
    bad: (request, response) => respond(request, response, BAD_REQUEST),
    health: (request, response) => {
      const info = health()
      respondJson(request, response, info, info.status === 'ok' ? 200 : 503)
    },
    metrics: async (request, response) => {
      const isPrivate =
        isPrivateIp(clientAddress(request).ip) === true && !isThroughUntrustedProxy(request, config)
      const mayRead = config.metrics === 'public' || (config.metrics === 'local' && isPrivate)
      if (!mayRead) return respond(request, response, NOT_FOUND)
      respond(request, response, { status: 200, body: await metrics.text(), type: metrics.contentType })
    },
    network: (request, response) => {
      const seen = parseHostHeader(request.headers.host, isSecure(request, config))
      if (!seen) return respond(request, response, BAD_REQUEST)
      respondJson(request, response, networkInfo(seen))
    },
    rpc: post((port) => port?.rpc, { maxBytes: MAX_RPC_BODY_BYTES, none: 'chain.none' }),
    faucet: post((port) => port?.faucet, { maxBytes: MAX_FAUCET_BODY_BYTES, none: 'faucet.none' }),
    models: async (request, response, { path, query }) => {
      const file = await models.find(path.slice('/models/'.length))
      const wanted = query.get('sha256')
      if (!file || !(await isWanted(file, wanted))) return respond(request, response, NOT_FOUND)
      await sendFile(request, response, file, wanted === null ? REVALIDATE : IMMUTABLE)
    },
    page: async (request, response, { path }) => {
      const name = PAGE_ROUTES.has(path) ? 'index.html' : path.slice(1)
      const file = await page.find(name)
      if (file) return sendFile(request, response, file, HASHED_ASSET.test(name) ? IMMUTABLE : REVALIDATE)
      const body = path === '/' ? 'The page is not built. Run: npm run build\n' : NOT_FOUND.body
      respond(request, response, { status: 404, body })
    },
  }
}

/** A hash in the address is a promise about the bytes: another file under that name is not what was asked for. */
async function isWanted(file: ServedFile, sha256: string | null): Promise<boolean> {
  return sha256 === null || sha256.toLowerCase() === (await file.sha256())
}

/** A proxy that is not trusted hides who asks, so its own private address says nothing of the client. */
function isThroughUntrustedProxy({ headers, socket }: IncomingMessage, { trustProxy }: RelayConfig): boolean {
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
  return isForwarded && !isFromProxy(trustProxy, socket)
}

function isSecure({ socket, headers }: IncomingMessage, config: RelayConfig): boolean {
  if ('encrypted' in socket && socket.encrypted === true) return true
  const isBelieved = isFromProxy(config.trustProxy, socket)
  return isBelieved && [headers['x-forwarded-proto'] ?? []].flat().join(',').split(',')[0]?.trim() === 'https'
}

function refusalOf({ method, headers }: IncomingMessage, url: RequestUrl | undefined, isPost: boolean) {
  if (url === undefined) return BAD_REQUEST
  if (isPost) return method === 'POST' ? undefined : methodNotAllowed('POST')
  if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed('GET, HEAD')
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
