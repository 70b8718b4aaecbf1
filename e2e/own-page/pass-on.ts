import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MIB, SECOND_MS } from '#shared/base/units.ts'
import { SECURITY_HEADERS } from '../../relay/serve/security-headers.ts'

/** What a page asks its relay for; a slash at the end takes all below it. */
export const READ = ['/catalogue.json', '/publications.json', '/published/', '/models/']
export const WRITTEN = ['/rpc', '/faucet']

/** More than a page ever posts. */
const MAX_POST_BYTES = MIB
const MAX_NETWORK_BYTES = MIB
/** To the first byte. A model may then take as long as its reader stays. */
const ANSWER_MS = 30 * SECOND_MS
const ASKED = ['range', 'if-range', 'if-none-match'] as const
const ANSWERED = [
  'content-length',
  'content-range',
  'accept-ranges',
  'etag',
  'retry-after',
  'cache-control',
] as const

/**
 * Passes a request on, and what the relay answers as data: its bytes never come under a type that a browser would run or
 * draw, whatever the relay says that they are.
 *
 * @throws Error when the relay does not answer
 */
export async function passOn(request: IncomingMessage, response: ServerResponse, to: URL): Promise<void> {
  const isPost = request.method === 'POST'
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  for (const name of ASKED) {
    const value = request.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  if (isPost) headers['content-type'] = 'application/json'
  const { signal, started } = limitOf(response)
  const answer = await fetch(to, {
    method: request.method ?? 'GET',
    headers,
    redirect: 'error',
    signal,
    ...(isPost && { body: await bodyOf(request) }),
  })
  started()
  const kept = ANSWERED.flatMap((name) => {
    const value = answer.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const isJson = isPost || to.pathname.endsWith('.json')
  const type = isJson ? 'application/json' : 'application/octet-stream'
  response.writeHead(answer.status, {
    ...SECURITY_HEADERS,
    'Content-Type': type,
    ...Object.fromEntries(kept),
  })
  if (!answer.body || request.method === 'HEAD') return void response.end()
  await pipeline(Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]), response)
}

/**
 * What a relay says of its network. A page that is told of no announced address joins the relay at the page's own
 * address; this page's is not the relay's.
 *
 * @throws Error when the relay does not answer, or not so
 */
export async function passOnNetwork(relay: URL): Promise<object> {
  const answer = await fetch(new URL('./network.json', relay), {
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_MS),
  })
  if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > MAX_NETWORK_BYTES) throw new Error('it says too much of its network')
    chunks.push(chunk)
  }
  const said = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  if (typeof said !== 'object' || said === null) throw new Error('it says nothing of its network')
  return { ...said, isAnnounced: true }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_POST_BYTES) throw new Error('the page posts too much')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** Ends with the reader, and when the answer does not begin in time. */
function limitOf(response: ServerResponse): { readonly signal: AbortSignal; readonly started: () => void } {
  const end = new AbortController()
  const late = setTimeout(() => end.abort(new Error('it takes too long')), ANSWER_MS)
  response.once('close', () => {
    clearTimeout(late)
    end.abort(new Error('the page went'))
  })
  return { signal: end.signal, started: () => clearTimeout(late) }
}
