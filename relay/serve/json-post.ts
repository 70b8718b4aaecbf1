import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorLine } from '#shared/errors/error-line.ts'
import { errorToMessage } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ClientAddress } from './client-address.ts'
import { respond, respondJson } from './respond.ts'
import type { Poster } from './same-origin.ts'

export interface JsonAnswer {
  readonly status: number
  readonly body: unknown
}

export interface Asker {
  readonly client: ClientAddress
  /** Aborts when the client goes. */
  readonly signal: AbortSignal
}

/** Answers what was posted as JSON. */
export interface JsonRoute {
  /** A larger body is refused unread. */
  readonly maxBytes: number
  readonly answer: (body: unknown, asker: Asker) => Promise<JsonAnswer>
}

/** Reads a bounded JSON body that a page of ours, or no page at all, has sent, and answers it. */
export async function answerPost(
  request: IncomingMessage,
  response: ServerResponse,
  { maxBytes, answer, poster }: JsonRoute & { readonly poster: Poster },
  client: ClientAddress,
): Promise<void> {
  // Another site's script could spend this client's rate, or have test money sent.
  const isJson = /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')
  if (poster === 'unknown-name')
    return refuse(request, response, 403, new InfernetError('chain.unknown-name'))
  if (poster === 'other-site' || !isJson)
    return refuse(request, response, 403, new InfernetError('chain.not-from-here'))
  const bytes = await readBody(request, maxBytes)
  if (!bytes) return refuse(request, response, 413, new InfernetError('chain.too-large', { maxBytes }))
  const parsed = parse(bytes)
  if (!parsed)
    return refuse(request, response, 400, new InfernetError('chain.bad-request', { field: 'JSON' }))
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const { status, body } = await answer(parsed.value, { client, signal: gone.signal })
  if (!response.destroyed) respondJson(request, response, body, status)
}

/** A refusal as JSON: `{"error": {"code", "facts", "message"}}`, the message for who reads it without our table. */
export function refusalBody(thrown: unknown): unknown {
  const error = InfernetError.from(thrown)
  return { error: { ...errorToMessage(error), message: errorLine(error) } }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  error: InfernetError,
): void {
  const body = `${JSON.stringify(refusalBody(error))}\n`
  // What is left of the body is not read: the connection ends with the answer.
  respond(request, response, { status, body, type: 'application/json', headers: { Connection: 'close' } })
}

/** The body, or undefined when it is larger. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return undefined
  const chunks: Buffer[] = []
  let length = 0
  // Not `for await`: leaving it early would destroy the socket before the refusal is sent.
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= maxBytes) chunks.push(chunk)
    else resolve(undefined)
  })
  request.once('end', () => resolve(Buffer.concat(chunks)))
  request.once('error', reject)
  request.once('close', () => reject(new InfernetError('wire.closed')))
  try {
    return await promise
  } finally {
    request.pause()
  }
}

function parse(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as unknown }
  } catch {
    return undefined
  }
}
