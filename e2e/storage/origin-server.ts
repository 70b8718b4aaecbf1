import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ModelFiles } from '#shared/models/model-files.ts'
import type { RateCap } from '#shared/models/pieces/rate-cap.ts'

/** What was asked of an origin, and what went out for it. */
export interface Served {
  readonly path: string
  readonly offset: number
  sentBytes: number
}

export interface OriginServer extends AsyncDisposable {
  /** Ends in a slash. */
  readonly url: string
  readonly served: Served[]
  /** Of each answer it sends no more than up to this place in the file, and leaves the connection open. */
  stallAt: number
}

const CHUNK_BYTES = 64 * 1024

export interface OriginInit {
  /** @default this machine alone */
  readonly host?: string
  /** Of all that goes out. @default no cap */
  readonly cap?: RateCap
}

/** Serves a model's files with ranges, and can stop in the middle of one. */
export async function startOrigin(
  files: ModelFiles,
  { host = '127.0.0.1', cap }: OriginInit = {},
): Promise<OriginServer> {
  const served: Served[] = []
  const origin = { url: '', served, stallAt: Infinity }
  const server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url ?? '/', 'http://any').pathname.slice(1)
      const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'range' }
      if (request.method === 'OPTIONS') return response.writeHead(204, headers).end()
      if (!files.paths.includes(path)) return response.writeHead(404, headers).end()
      const bytes = await files.read(path)
      const one: Served = { path, offset, sentBytes: 0 }
      served.push(one)
      response.writeHead(offset > 0 ? 206 : 200, {
        ...headers,
        'content-type': 'application/octet-stream',
        'content-length': bytes.length - offset,
      })
      for (let at = offset; at < bytes.length && !response.destroyed; at += CHUNK_BYTES) {
        if (at >= origin.stallAt) return undefined
        const part = bytes.subarray(at, at + CHUNK_BYTES)
        await cap?.take(part.length)
        one.sentBytes += part.length
        if (!response.write(part)) await drained(response)
      }
      return response.end()
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  origin.url = `http://${host}:${(server.address() as AddressInfo).port}/`
  return Object.assign(origin, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

/** Also when nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}
