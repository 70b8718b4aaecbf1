import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What makes a page isolated, and what is about the connection. */
const WITHHELD = [
  'cross-origin-opener-policy',
  'cross-origin-embedder-policy',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]

/** A second door to a relay's page. */
export interface OpenDoor extends AsyncDisposable {
  readonly url: string
}

/**
 * Serves what a relay serves, without the headers that isolate the page: there the engine takes one thread on any
 * machine. Changing the headers inside the browser will not do: Chromium then no longer knows the page for a local one,
 * and keeps it from the relay's socket.
 */
export async function openDoor(relay: string): Promise<OpenDoor> {
  const server = createServer((request, response) => {
    pass(relay, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Uncompressed, so that lengths stay true. */
async function pass(
  relay: string,
  { url = '/', headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const wanted: Record<string, string> = { 'accept-encoding': 'identity' }
  if (headers.range) wanted['range'] = headers.range
  const answer = await fetch(new URL(url, relay), { headers: wanted })
  const kept = [...answer.headers].filter(([name]) => !WITHHELD.includes(name))
  response.writeHead(answer.status, Object.fromEntries(kept))
  // The mesh is joined at the relay itself: a page that is told of no announced address takes the one it was opened at.
  if (url === '/network.json')
    return void response.end(JSON.stringify({ ...((await answer.json()) as object), isAnnounced: true }))
  if (!answer.body) return void response.end()
  await pipeline(Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]), response)
}
