import { createHash } from 'node:crypto'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PAGE_PATHS } from '#shared/base/page-paths.ts'
import type { Relay } from '../create-relay.ts'
import { startRelay, temporaryFolder, until } from '../testing/fixtures.ts'

const SCRIPT = 'export const answer = 42 // '.padEnd(5000, 'x')
const WEIGHTS = new Uint8Array(100_000).map((_, i) => i * 7)
const SHA256 = createHash('sha256').update(WEIGHTS).digest('hex')

let relay: Relay
let folder: { path: string; remove: () => Promise<void> }

beforeAll(async () => {
  folder = await temporaryFolder()
  const page = join(folder.path, 'page')
  await mkdir(join(page, 'assets'), { recursive: true })
  await mkdir(join(page, 'models', 'tiny'), { recursive: true })
  await writeFile(join(folder.path, 'secret.txt'), 'secret')
  await writeFile(join(page, 'index.html'), '<!doctype html><title>Infernet</title>')
  await writeFile(join(page, '.hidden'), 'hidden')
  await writeFile(join(page, 'assets', 'main-B4rX_9zQ.js'), SCRIPT)
  await writeFile(join(page, 'assets', 'ort.wasm'), Buffer.from([0, 97, 115, 109]))
  await writeFile(join(page, 'empty.txt'), '')
  await writeFile(join(page, 'models', 'tiny', 'model.onnx'), WEIGHTS)
  await symlink(join(folder.path, 'secret.txt'), join(page, 'link.txt'))
  relay = await startRelay({ dataFolder: join(folder.path, 'data'), pageFolder: page })
})
afterAll(async () => {
  await relay.stop()
  await folder.remove()
})

interface Got {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Not `fetch`, which normalises paths and decodes bodies. */
async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  const { port } = new URL(relay.httpUrl)
  const { promise, resolve, reject } = Promise.withResolvers<Got>()
  const request = httpRequest(
    { host: '127.0.0.1', port, path, method, headers, agent: false },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    },
  )
  request.on('error', reject)
  request.end()
  return promise
}

/** What the server says to these bytes, until it closes. */
async function raw(bytes: string, limitMs = 20_000): Promise<string> {
  const socket = connect(Number(new URL(relay.httpUrl).port), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(bytes)
  const timer = setTimeout(() => socket.destroy(), limitMs)
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(timer)
  return Buffer.concat(chunks).toString('latin1')
}

const MODEL = '/models/tiny/model.onnx'

test('the page is served at its routes, and asked about again each time', async () => {
  for (const path of [...PAGE_PATHS, '/network?tab=1', '/index.html']) {
    const { status, headers, body } = await get(path)
    expect([path, status, headers['content-type'], headers['cache-control']]).toEqual([
      path,
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ])
    expect(body.toString()).toContain('Infernet')
  }
})

test('assets named by their content are kept for ever, others are not', async () => {
  expect((await get('/assets/main-B4rX_9zQ.js')).headers['cache-control']).toBe(
    'public, max-age=31536000, immutable',
  )
  const wasm = await get('/assets/ort.wasm')
  expect([wasm.headers['content-type'], wasm.headers['cache-control']]).toEqual([
    'application/wasm',
    'no-cache',
  ])
})

test('what is not here is 404 in plain text, never the page', async () => {
  for (const path of [
    '/nothing',
    '/models/nothing',
    '/models/',
    '/api/x',
    '/assets/gone.js',
    '/provide/x',
    '/.hidden',
    '/link.txt',
  ]) {
    const { status, headers, body } = await get(path)
    expect([path, status, headers['content-type'], body.toString()]).toEqual([
      path,
      404,
      'text/plain; charset=utf-8',
      'Not Found\n',
    ])
  }
})

test('every answer carries the security headers', async () => {
  for (const path of ['/', '/nothing', MODEL, '/health', '/network.json', '/metrics']) {
    const { headers } = await get(path)
    expect([path, headers['content-security-policy']]).toEqual([
      path,
      expect.stringContaining("script-src 'self' 'wasm-unsafe-eval';"),
    ])
    expect([
      headers['cross-origin-opener-policy'],
      headers['cross-origin-embedder-policy'],
      headers['cross-origin-resource-policy'],
    ]).toEqual(['same-origin', 'require-corp', 'same-origin'])
    expect([headers['x-content-type-options'], headers['referrer-policy']]).toEqual([
      'nosniff',
      'no-referrer',
    ])
    expect([path, headers['permissions-policy']]).toEqual([
      path,
      expect.stringMatching(/^accelerometer=\(\), camera=\(\), .*microphone=\(\), .*usb=\(\)/),
    ])
    // Over plain http it would be another's word as well as ours.
    expect([path, headers['strict-transport-security']]).toEqual([path, undefined])
  }
})

test('a model is named by the SHA-256 of its bytes', async () => {
  const { status, headers, body } = await get(MODEL)
  expect([status, headers.etag, headers['cache-control'], headers['accept-ranges']]).toEqual([
    200,
    `"${SHA256}"`,
    'no-cache',
    'bytes',
  ])
  expect(body.equals(WEIGHTS)).toBe(true)
  const byHash = await get(`${MODEL}?sha256=${SHA256}`)
  expect([byHash.status, byHash.headers['cache-control']]).toEqual([
    200,
    'public, max-age=31536000, immutable',
  ])
  expect((await get(`${MODEL}?sha256=${'0'.repeat(64)}`)).status).toBe(404)
})

test('a range is 206 with these bytes, one beyond the end 416', async () => {
  const part = await get(MODEL, { Range: 'bytes=100-199', 'Accept-Encoding': 'br' })
  expect([part.status, part.headers['content-range'], part.headers['content-length']]).toEqual([
    206,
    'bytes 100-199/100000',
    '100',
  ])
  expect(part.body.equals(WEIGHTS.subarray(100, 200))).toBe(true)
  const tail = await get(MODEL, { Range: 'bytes=-10' })
  expect([tail.status, tail.body.equals(WEIGHTS.subarray(-10))]).toEqual([206, true])
  const beyond = await get(MODEL, { Range: 'bytes=100000-' })
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */100000'])
  expect((await get(MODEL, { Range: 'bytes=0-1,5-6' })).status).toBe(200)
})

test('a resumed download of another version starts over', async () => {
  expect((await get(MODEL, { Range: 'bytes=10-', 'If-Range': `"${SHA256}"` })).status).toBe(206)
  expect((await get(MODEL, { Range: 'bytes=10-', 'If-Range': '"other"' })).status).toBe(200)
})

test('a good copy is 304 without bytes', async () => {
  for (const tag of [`"${SHA256}"`, `W/"${SHA256}"`, `"other", "${SHA256}"`, '*']) {
    const { status, headers, body } = await get(MODEL, { 'If-None-Match': tag })
    expect([tag, status, body.length, headers.etag]).toEqual([tag, 304, 0, `"${SHA256}"`])
  }
  expect((await get(MODEL, { 'If-None-Match': '"other"' })).status).toBe(200)
})

test('a changed file gets another name at once', async () => {
  const path = join(folder.path, 'page', 'models', 'tiny', 'other.bin')
  await writeFile(path, 'one')
  await until('the new file', async () => (await get('/models/tiny/other.bin')).status === 200)
  const { headers } = await get('/models/tiny/other.bin')
  await writeFile(path, 'three')
  await until('the change', async () => (await get('/models/tiny/other.bin')).body.toString() === 'three')
  expect((await get('/models/tiny/other.bin')).headers.etag).not.toBe(headers.etag)
})

test('text is sent compressed to those who take it, under another ETag', async () => {
  await until(
    'the copy',
    async () =>
      (await get('/assets/main-B4rX_9zQ.js', { 'Accept-Encoding': 'gzip, br' })).headers[
        'content-encoding'
      ] === 'br',
  )
  const small = await get('/assets/main-B4rX_9zQ.js', { 'Accept-Encoding': 'gzip, br' })
  expect(brotliDecompressSync(small.body).toString()).toBe(SCRIPT)
  expect([small.headers.vary, Number(small.headers['content-length']) < 500]).toEqual([
    'Accept-Encoding',
    true,
  ])
  const whole = await get('/assets/main-B4rX_9zQ.js', { 'Accept-Encoding': 'br;q=0' })
  expect([whole.headers['content-encoding'], whole.body.toString()]).toEqual([undefined, SCRIPT])
  expect(whole.headers.etag).not.toBe(small.headers.etag)
  expect((await get(MODEL, { 'Accept-Encoding': 'br' })).headers['content-encoding']).toBeUndefined()
})

test('HEAD tells the same and sends nothing; an empty file is empty', async () => {
  const { status, headers, body } = await get(MODEL, {}, 'HEAD')
  expect([status, headers['content-length'], headers.etag, body.length]).toEqual([
    200,
    '100000',
    `"${SHA256}"`,
    0,
  ])
  expect(await get('/empty.txt')).toMatchObject({ status: 200, body: Buffer.alloc(0) })
})

test('other methods and bodies are refused', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
    expect([method, (await get('/', {}, method)).status]).toEqual([method, 405])
  expect(await raw('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello')).toMatch(/^HTTP\/1\.1 413 /)
})

test('no path leads out of the folder', async () => {
  const paths = [
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/models/..%2f..%2fsecret.txt',
    '/models/tiny/../../../secret.txt',
    '//secret.txt',
    '/..\\secret.txt',
    '/secret.txt%00.js',
    `/${'../'.repeat(20)}etc/passwd`,
  ]
  for (const path of paths) {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([path, answer.split(' ')[1]]).toEqual([path, '404'])
    expect(answer).not.toContain('secret\n')
  }
  for (const path of ['http://x/secret.txt', '*', '/%zz', '/%c0%ae'])
    expect(await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    )
})

test('what is too large is refused before it is read', async () => {
  expect(await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  )
  expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
})

test('a client that dribbles its headers is cut', async () => {
  const startedAt = performance.now()
  const answer = await raw('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ', 25_000)
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(performance.now() - startedAt).toBeLessThan(20_000)
}, 30_000)

test('an offer of h2c is answered as what it is, a request', async () => {
  const answer = await raw(
    'GET /health HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n',
  )
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
})

test('/network.json needs a host that is one', async () => {
  for (const [host, status] of [
    ['relay.example:8080', 200],
    ['a b', 400],
    ['a/b', 400],
  ] as const)
    expect([host, (await get('/network.json', { Host: host })).status]).toEqual([host, status])
  const info = JSON.parse(
    (
      await get('/network.json', { Host: 'relay.example:8080', 'X-Forwarded-Proto': 'https' })
    ).body.toString(),
  ) as { relays: string[] }
  expect(info.relays).toEqual([`/dns/relay.example/tcp/8080/ws/p2p/${relay.name}`])
})

test('/metrics names what the operator watches', async () => {
  const { headers, body } = await get('/metrics')
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  for (const name of [
    'infernet_peers',
    'infernet_reservations',
    'infernet_offers',
    'infernet_relays',
    'infernet_relayed_bytes_total',
    'infernet_event_loop_lag_seconds',
    'infernet_http_requests_total',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
  ])
    expect(body.toString()).toMatch(new RegExp(`^${name}(\\{[^}]*\\})? [0-9.e+-]+$`, 'm'))
})
