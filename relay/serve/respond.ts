import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { SECURITY_HEADERS } from './security-headers.ts'

export interface Answer {
  readonly status: number
  readonly body: string
  /** @default 'text/plain; charset=utf-8' */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a short answer that no cache keeps. */
export function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    ...SECURITY_HEADERS,
    'Content-Type': answer.type ?? 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

export function respondJson(
  request: IncomingMessage,
  response: ServerResponse,
  value: unknown,
  status = 200,
): void {
  respond(request, response, { status, body: `${JSON.stringify(value)}\n`, type: 'application/json' })
}

/** Refuses an upgrade, or a request that never became one, on the bare socket. */
export function refuseSocket(socket: Duplex, status: number, reason: string): void {
  const retry = status === 429 || status === 503 ? 'Retry-After: 5\r\n' : ''
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\n${retry}Content-Type: text/plain\r\nContent-Length: ${reason.length + 1}\r\n\r\n${reason}\n`,
  )
}
