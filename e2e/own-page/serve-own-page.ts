import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PAGE_PATHS } from '#shared/base/page-paths.ts'
import { FileIndex } from '../../relay/serve/file-index.ts'
import { respond, respondJson } from '../../relay/serve/respond.ts'
import { REVALIDATE, sendFile } from '../../relay/serve/send-file.ts'
import { passOn, passOnNetwork, READ, WRITTEN } from './pass-on.ts'

export interface OwnPageInit {
  /** The built page. */
  readonly folder: string
  /** Of the relay whose network the page joins. */
  readonly relay: URL
  /** A page's keys belong to its address: the same port finds them again. */
  readonly port: number
}

/** The page of this machine's own disk, at this machine's own address. */
export interface OwnPage extends AsyncDisposable {
  readonly url: string
}

const NOT_FOUND = { status: 404, body: 'Not Found\n' } as const
const FORBIDDEN = { status: 403, body: 'Forbidden\n', headers: { Connection: 'close' } } as const

/**
 * Serves a page from this disk to this machine alone. From the relay comes what a page reads of the network (addresses,
 * catalogues, models, the chain), and never code: everything else is of the folder, or it is not there.
 *
 * @throws Error when the port is taken
 */
export async function serveOwnPage({ folder, relay, port }: OwnPageInit): Promise<OwnPage> {
  const page = new FileIndex(folder, { skip: ['models'] })
  await page.scan()
  const server = createServer((request, response) => {
    const own = (server.address() as AddressInfo).port
    answer(request, response, { page, relay, port: own }).catch((thrown: unknown) => {
      if (response.headersSent) return void response.destroy()
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      respond(request, response, { status: 502, body: `The relay did not answer: ${reason}\n` })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Ground {
  readonly page: FileIndex
  readonly relay: URL
  readonly port: number
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { page, relay, port }: Ground,
): Promise<void> {
  // Another name that leads to this machine is another site's.
  if (request.headers.host !== `localhost:${port}` && request.headers.host !== `127.0.0.1:${port}`)
    return respond(request, response, FORBIDDEN)
  // One address, so that the keys are always found: they belong to `localhost`.
  if (request.headers.host !== `localhost:${port}` && request.method === 'GET')
    return respond(request, response, {
      status: 308,
      body: '',
      headers: { Location: `http://localhost:${port}${request.url ?? '/'}` },
    })
  const { pathname, search } = new URL(request.url ?? '/', relay)
  const isWritten = WRITTEN.includes(pathname)
  if (request.method === 'POST' && isWritten) {
    if (!isOurs(request, port)) return respond(request, response, FORBIDDEN)
    return passOn(request, response, new URL(`.${pathname}`, relay))
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return respond(request, response, FORBIDDEN)
  if (pathname === '/network.json') return respondJson(request, response, await passOnNetwork(relay))
  if (READ.some((path) => (path.endsWith('/') ? pathname.startsWith(path) : pathname === path)))
    return passOn(request, response, new URL(`.${pathname}${search}`, relay))
  const isRoute = PAGE_PATHS.some((path) => path === pathname)
  // The page's own files have plain names.
  const file = await page.find(isRoute ? 'index.html' : pathname.slice(1))
  if (!file) return respond(request, response, NOT_FOUND)
  return sendFile(request, response, file, REVALIDATE)
}

/** What a browser says of a script's place, the script cannot change. A program that is no browser says nothing. */
function isOurs({ headers }: IncomingMessage, port: number): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  return (site ?? 'same-origin') === 'same-origin' && (origin ?? ownOrigin(port)) === ownOrigin(port)
}

function ownOrigin(port: number): string {
  return `http://localhost:${port}`
}
