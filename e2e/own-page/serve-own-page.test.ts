import { createServer, request as ask, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../relay/testing/fixtures.ts'
import { serveOwnPage } from './serve-own-page.ts'

/** A relay that would have its own code run, and the page of a disk that is joined to it. */
async function startGround() {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'index.html'), 'own page')
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.setHeader('Content-Type', 'text/javascript')
    response.setHeader('Set-Cookie', 'evil=1')
    response.end(
      request.url === '/network.json' ? '{"peerId":"x","relays":[],"isAnnounced":false}' : 'evil()',
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const relay = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const page = await serveOwnPage({ folder: folder.path, relay, port: 0 })
  return {
    ...{ asked, url: page.url },
    [Symbol.asyncDispose]: async () => {
      await page[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
      await folder.remove()
    },
  }
}

it('gives the page of the disk at each of its addresses, and asks the relay for no code', async () => {
  await using ground = await startGround()
  for (const path of ['/', '/wallet', '/index.html']) {
    const answer = await fetch(new URL(path, ground.url))
    expect(await answer.text()).toBe('own page')
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  }
  for (const path of ['/assets/evil-abcdefgh.js', '/evil.js', '/%ff'])
    expect((await fetch(new URL(path, ground.url))).status).toBe(404)
  expect(ground.asked).toEqual([])
})

it('passes on what the relay says as data alone, and where its mesh is', async () => {
  await using ground = await startGround()
  const model = await fetch(new URL('/models/some/evil.js', ground.url))
  expect(await model.text()).toBe('evil()')
  expect(model.headers.get('content-type')).toBe('application/octet-stream')
  expect(model.headers.get('x-content-type-options')).toBe('nosniff')
  expect(model.headers.get('set-cookie')).toBeNull()
  expect(await (await fetch(new URL('/network.json', ground.url))).json()).toMatchObject({
    isAnnounced: true,
  })
  await fetch(new URL('/rpc', ground.url), { method: 'POST', body: '{}' })
  expect(ground.asked).toEqual(['GET /models/some/evil.js', 'GET /network.json', 'POST /rpc'])
})

it('refuses other sites: a name that leads here, and a script from elsewhere', async () => {
  await using ground = await startGround()
  const { port } = new URL(ground.url)
  expect(await statusOf(port, { host: `evil.example:${port}` })).toBe(403)
  expect(await statusOf(port, { host: `127.0.0.1:${port}` })).toBe(308)
  const origin = { host: `localhost:${port}`, origin: 'http://evil.example' }
  expect(await statusOf(port, origin, 'POST', '/faucet')).toBe(403)
  expect(ground.asked).toEqual([])
})

async function statusOf(port: string, headers: Record<string, string>, method = 'GET', path = '/') {
  const asking = ask({ host: '127.0.0.1', port, headers, method, path }).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}
