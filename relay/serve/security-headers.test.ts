import { writeFile } from 'node:fs/promises'
import { request as plainRequest } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RelayConfig } from '../config/options.ts'
import { startRelay, temporaryFolder } from '../testing/fixtures.ts'
import { selfSigned } from '../testing/self-signed.ts'

const STRICT = 'max-age=15552000'

/** What a relay says of transport, to a request with these headers. */
async function told(
  url: string,
  path: string,
  headers: Record<string, string>,
  options: RequestOptions = {},
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const send = url.startsWith('https:') ? request : plainRequest
  send(new URL(path, url), { ...options, headers }, (response) => {
    response.resume()
    resolve(response.headers['strict-transport-security'])
  })
    .on('error', reject)
    .end()
  return promise
}

async function withRelay(changes: Partial<RelayConfig>, act: (url: string) => Promise<void>): Promise<void> {
  const relay = await startRelay(changes)
  try {
    await act(relay.httpUrl)
  } finally {
    await relay.stop()
  }
}

test('over its own TLS a relay says to come back over TLS only, with every kind of answer, but not of localhost', async () => {
  const { path, remove } = await temporaryFolder()
  const { cert, key } = selfSigned()
  const files = { tlsCert: join(path, 'cert.pem'), tlsKey: join(path, 'key.pem') }
  await writeFile(files.tlsCert, cert)
  await writeFile(files.tlsKey, key)
  await withRelay(files, async (url) => {
    for (const asked of ['/', '/health', '/nothing', '/network.json', '/rpc'])
      expect([
        asked,
        await told(url, asked, { Host: 'relay.example' }, { ca: cert, servername: 'localhost' }),
      ]).toEqual([asked, STRICT])
    expect(
      await told(url, '/', { Host: 'localhost:8443' }, { ca: cert, servername: 'localhost' }),
    ).toBeUndefined()
  })
  await remove()
})

test('behind a proxy it says so where the proxy that is believed ended TLS, and never over plain http', async () => {
  const proxied = { Host: 'relay.example', 'X-Forwarded-Proto': 'https' }
  await withRelay({ trustProxy: 1 }, async (url) => {
    expect(await told(url, '/', proxied)).toBe(STRICT)
    expect(await told(url, '/', { Host: 'relay.example' })).toBeUndefined()
  })
  await withRelay({}, async (url) => expect(await told(url, '/', proxied)).toBeUndefined())
})
