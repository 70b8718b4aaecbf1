import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FileIndex } from '../../relay/serve/file-index.ts'
import { hashedFiles, pageHash } from '../../relay/serve/page-hash.ts'
import { startRelay, temporaryFolder } from '../../relay/testing/fixtures.ts'
import { comparePage } from './compare-page.ts'

const SCRIPT = 'assets/some-abcdefgh.js'

async function startGround() {
  const folder = await temporaryFolder()
  await mkdir(join(folder.path, 'assets'))
  await writeFile(join(folder.path, 'index.html'), '<!doctype html>page')
  // Large enough to be served compressed.
  await writeFile(join(folder.path, SCRIPT), 'export const some = 1\n'.repeat(200))
  const index = new FileIndex(folder.path)
  await index.scan()
  const files = await hashedFiles(index)
  const relay = await startRelay({ pageFolder: folder.path })
  return {
    ...{ folder: folder.path, files, url: new URL(relay.httpUrl) },
    [Symbol.asyncDispose]: async () => {
      await relay.stop()
      await folder.remove()
    },
  }
}

it('finds no difference at a relay that serves these files, and the relay tells the same hash', async () => {
  await using ground = await startGround()
  expect(await comparePage(ground.url, ground.files)).toEqual([])
  const health: unknown = await (await fetch(new URL('/health', ground.url))).json()
  expect(health).toMatchObject({ pageSha256: pageHash(ground.files) })
})

it('names the file in which one byte was changed', async () => {
  await using ground = await startGround()
  const path = join(ground.folder, SCRIPT)
  const bytes = await readFile(path)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  await writeFile(path, bytes)
  expect(await comparePage(ground.url, ground.files)).toEqual([
    { path: SCRIPT, why: expect.stringContaining('has other bytes') as string },
  ])
})

it('names a file that is not there, and every address of a page that was changed', async () => {
  await using ground = await startGround()
  const more = [...ground.files, { path: 'assets/gone-abcdefgh.js', sha256: '0'.repeat(64) }]
  expect(await comparePage(ground.url, more)).toEqual([
    { path: 'assets/gone-abcdefgh.js', why: 'is answered with status 404' },
  ])
  await writeFile(join(ground.folder, 'index.html'), '<!doctype html>past')
  const paths = (await comparePage(ground.url, ground.files)).map(({ path }) => path)
  expect(paths).toEqual(['', 'index.html', 'models', 'network', 'provide', 'provider', 'wallet'])
})

it('looks at what a browser would be given: every coding, the policy, and where it is sent', async () => {
  await using ground = await startGround()
  const differences = async (change: RequestListener) => {
    await using liar = await startLiar(ground.url, change)
    const only = ground.files.filter(({ path }) => path === SCRIPT)
    return (await comparePage(liar.url, only)).map(({ why }) => why)
  }
  expect(await differences(() => undefined)).toEqual([])
  expect(
    await differences((request, response) => {
      if (request.headers['accept-encoding'] === 'br') response.end('other')
    }),
  ).toEqual(['has other bytes (br)'])
  expect(
    await differences((_, response) =>
      response.setHeader('Content-Security-Policy', "script-src 'self' evil"),
    ),
  ).toEqual(['comes with another Content-Security-Policy'])
  expect(await differences((_, response) => response.setHeader('Refresh', '0; url=/evil'))).toEqual([
    'sends the browser elsewhere (Refresh)',
  ])
  expect(await differences((_, response) => response.writeHead(302, { location: '/evil' }).end())).toEqual([
    'is answered with status 302',
  ])
})

/** Passes on what a relay serves, after it has changed it. */
async function startLiar(relay: URL, change: RequestListener) {
  const server = createServer((request, response) => {
    void (async () => {
      const answer = await fetch(new URL(request.url ?? '/', relay), {
        headers: { 'accept-encoding': 'identity' },
      })
      response.setHeader('Content-Security-Policy', answer.headers.get('Content-Security-Policy') ?? '')
      change(request, response)
      if (!response.writableEnded) response.end(Buffer.from(await answer.arrayBuffer()))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
