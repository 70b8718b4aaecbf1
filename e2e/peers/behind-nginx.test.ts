import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { request as plainRequest } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as v from 'valibot'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { createLog } from '../../relay/observe/log.ts'
import { createRelay, type Relay } from '../../relay/create-relay.ts'
import { configWith } from '../../relay/config/load-config.ts'
import { OPTIONS, type RelayConfig } from '../../relay/config/options.ts'
import type { JsonRoute } from '../../relay/serve/json-post.ts'
import { someNetwork } from '../../relay/testing/chain-fixtures.ts'
import { mountDirectory } from '../../relay/directory/mount-directory.ts'
import { selfSigned } from '../../relay/testing/self-signed.ts'
import { startClient, temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { findNginx } from '../fixtures/find-debian.ts'
import { freePort } from '../fixtures/free-port.ts'
import { startNginx } from '../fixtures/nginx.ts'

const program = findNginx()
if (program === undefined)
  console.warn('nginx is not here and cannot be installed: what needs it is left out')

/** Trusted by this process alone, as a public certificate is by everybody. */
const certificate = selfSigned()
const cleanUp: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each()
})

interface Behind {
  readonly name: string
  /** What a reader of a guide may have written, with the relay's port. */
  readonly server: (port: number) => string
  readonly isSecure?: boolean
  /** Where the page is, below the host. */
  readonly folder?: string
  /** What the operator says; nothing where the relay must do without. */
  readonly announce?: (origin: string) => string
}

const UPGRADE = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;'

const BEHIND: readonly Behind[] = [
  {
    name: 'without any header of its own',
    server: (port) => `location / { proxy_pass http://127.0.0.1:${port}; ${UPGRADE} }`,
    announce: (origin) => origin,
  },
  {
    name: 'that ends TLS and says nothing of it',
    server: (port) => `location / { proxy_pass http://127.0.0.1:${port}; ${UPGRADE} }`,
    isSecure: true,
    announce: (origin) => origin,
  },
  {
    name: 'that ends TLS and names a host that is none',
    server: (port) =>
      `location / { proxy_pass http://127.0.0.1:${port}; proxy_set_header Host my_relay; ${UPGRADE} }`,
    isSecure: true,
    announce: (origin) => origin,
  },
  {
    name: 'with a path that it takes away',
    server: (port) => `location /inf/ { proxy_pass http://127.0.0.1:${port}/; ${UPGRADE} }`,
    folder: '/inf/',
    announce: (origin) => `${origin}/inf`,
  },
  {
    name: 'with a path that it leaves there, and TLS',
    server: (port) => `location /a/inf { proxy_pass http://127.0.0.1:${port}; ${UPGRADE} }`,
    isSecure: true,
    folder: '/a/inf/',
    announce: (origin) => `${origin}/a/inf/`,
  },
  {
    name: 'that passes all it knows, with nothing announced',
    server: (port) =>
      `location / { proxy_pass http://127.0.0.1:${port}; ${UPGRADE} proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; }`,
    isSecure: true,
  },
]

describe.runIf(program !== undefined)('a relay behind nginx', () => {
  it.each(BEHIND)(
    '$name serves page, mesh and /rpc',
    async ({ server, isSecure, folder = '/', announce }) => {
      const proxyPort = await freePort()
      const origin = `${isSecure ? 'https' : 'http'}://127.0.0.1:${proxyPort}`
      const relay = await startBehind(announce?.(origin))
      const port = Number(new URL(relay.httpUrl).port)
      const nginx = await startNginx({
        program: program ?? '',
        server: server(port),
        port: proxyPort,
        ...(isSecure ? { certificate } : {}),
      })
      cleanUp.push(async () => nginx[Symbol.asyncDispose]())
      const at = (path: string): string => new URL(path.slice(1), `${origin}${folder}`).href
      expect((await ask(at('/'))).body).toContain('<title>Infernet</title>')
      expect((await ask(at('/provide'))).body).toContain('<title>Infernet</title>')
      expect((await ask(at('/assets/main-B4rX_9zQ.js'))).body).toBe('script')
      if (folder !== '/')
        expect((await ask(at('/').slice(0, -1))).status, 'led into the folder').toBeOneOf([301, 308])
      const info = v.parse(networkInfoSchema, JSON.parse((await ask(at('/network.json'))).body))
      const [address = ''] = info.relays
      expect(address).toContain(`/tcp/${proxyPort}${isSecure ? '/tls' : ''}/ws`)
      expect(info.isAnnounced).toBe(announce !== undefined)
      // From http a browser says only its origin; from https also that the page is the site's own.
      const headers = { Origin: origin, ...(isSecure ? { 'Sec-Fetch-Site': 'same-origin' } : {}) }
      const rpc = await ask(at('/rpc'), headers)
      expect([rpc.status, rpc.body]).toEqual([200, '"asked"\n'])
      expect((await ask(at('/rpc'), { Origin: 'https://evil.example' })).status).toBe(403)
      const node = await trusting(() => startClient([address]))
      cleanUp.push(() => node.stop())
      await until('the reservation', () => relay.node.services.relay.reservations.size === 1)
      expect(node.getMultiaddrs().map(String)).toContain(
        `${address}/p2p-circuit/p2p/${node.peerId.toString()}`,
      )
    },
  )

  it('says once, in words, what headers say against what was announced, or against one another', async () => {
    const lines: string[] = []
    const relay = await startBehind('https://relay.example', (line) => lines.push(line))
    const silent = await startBehind(undefined, (line) => lines.push(line))
    const contradiction = `a request names http://127.0.0.1:${new URL(relay.httpUrl).port} as its address, which is not what was announced; the page is told https://relay.example/ all the same`
    for (const _ of [1, 2]) {
      await fetch(new URL('/network.json', relay.httpUrl))
      await fetch(new URL('/rpc', silent.httpUrl), {
        method: 'POST',
        headers: { Origin: 'https://a.example' },
      })
      await fetch(new URL('/rpc', silent.httpUrl), {
        method: 'POST',
        headers: { Origin: 'https://127.0.0.1' },
      })
    }
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      contradiction,
      expect.stringMatching(
        /^a page of https:\/\/a\.example asks, but the request names the host 127\.0\.0\.1: /,
      ),
      expect.stringMatching(/^a page of https:\/\/127\.0\.0\.1 asks, but the request came as http: /),
    ])
  })
})

const NO_HEALTH = { chainId: 1, block: undefined, headAgeSeconds: undefined }

async function startBehind(announced: string | undefined, write?: (line: string) => void): Promise<Relay> {
  const { path, remove } = await temporaryFolder()
  const pageFolder = join(path, 'page')
  await mkdir(join(pageFolder, 'assets'), { recursive: true })
  await writeFile(join(pageFolder, 'index.html'), '<!doctype html><title>Infernet</title>')
  await writeFile(join(pageFolder, 'assets', 'main-B4rX_9zQ.js'), 'script')
  const own: Partial<RelayConfig> = {
    host: '127.0.0.1',
    port: 0,
    dataFolder: path,
    pageFolder,
    trustProxy: announced ? 0 : 1,
  }
  const config = configWith({ ...own, announce: announced ? OPTIONS.announce.read(announced) : [] })
  const privateKey = await generateKeyPair('Ed25519')
  const log = write ? createLog('warn', { write }) : createLog('silent')
  const relay = createRelay({ privateKey, log }, { config, version: '0.0.0-test', mounts: [mountDirectory] })
  await relay.start()
  const rpc: JsonRoute = { maxBytes: 100, answer: async () => ({ status: 200, body: 'asked' }) }
  relay.attachChain({
    network: someNetwork(),
    payee: undefined,
    rpc,
    faucet: undefined,
    health: () => NO_HEALTH,
  })
  cleanUp.push(remove, () => relay.stop())
  return relay
}

/** A GET, or with headers a POST; without a redirect being followed, and whoever signed the certificate. */
function ask(url: string, headers?: Record<string, string>): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const init = {
    method: headers ? 'POST' : 'GET',
    headers: headers ? { 'Content-Type': 'application/json', ...headers } : {},
  }
  const open = url.startsWith('https:')
    ? request(url, { ...init, ca: certificate.cert })
    : plainRequest(url, init)
  open.on('response', (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (text: string) => (body += text))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
  })
  open.on('error', reject)
  open.end(headers && '{}')
  return promise
}

/** Node's own WebSocket asks the process whom it trusts. */
async function trusting<T>(act: () => Promise<T>): Promise<T> {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  try {
    return await act()
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  }
}
