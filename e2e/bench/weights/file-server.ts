import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** An empty page, the peers' builds, and one file of random bytes, all from one origin. */
export interface FileServer extends AsyncDisposable {
  readonly url: string
}

export async function startFileServer(bytes: number, peers: string): Promise<FileServer> {
  const file = randomBytes(bytes)
  const server = createServer((request, response) => {
    if (request.url === '/file') return response.setHeader('content-length', file.length).end(file)
    if (request.url?.startsWith('/peers/')) {
      response.setHeader('content-type', 'text/javascript')
      return createReadStream(join(peers, 'node_modules', request.url.slice('/peers/'.length)))
        .on('error', () => response.writeHead(404).end())
        .pipe(response)
    }
    return response.setHeader('content-type', 'text/html').end('<!doctype html><title>bench</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
