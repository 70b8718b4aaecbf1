import { createServer, type Server, type Socket, connect as connectTcp } from 'node:net'
import { createServer as createTlsServer, get as getTls } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import type { Relay } from '../create-relay.ts'
import { HANDSHAKE_SILENCE_MS } from '../base/limits.ts'
import { nodeClock } from '../base/node-clock.ts'
import { startClient, startRelay, temporaryFolder, until } from '../testing/fixtures.ts'
import { selfSigned } from '../testing/self-signed.ts'
import { AddressLimiter } from './address-limiter.ts'
import { clientAddressFinder } from './client-address.ts'
import { UpgradePipe, type UpgradePipeInit } from './upgrade-pipe.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function relayWith(...init: Parameters<typeof startRelay>): Promise<Relay> {
  const relay = await startRelay(...init)
  cleanups.push(() => relay.stop())
  return relay
}

const HANDSHAKE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

/** Asks for an upgrade; answers the status and the open socket. */
async function upgrade(
  port: number,
  headers: readonly string[] = [],
  handshake = HANDSHAKE,
): Promise<{ status: number; socket: Socket }> {
  const socket = connectTcp(port, '127.0.0.1')
  cleanups.push(() => void socket.destroy())
  socket.on('error', () => undefined)
  socket.write(['GET / HTTP/1.1', 'Host: x', ...handshake, ...headers, '\r\n'].join('\r\n'))
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  return { status: Number(answer.toString('latin1').split(' ')[1]), socket }
}

const portOf = (relay: Relay): number => Number(new URL(relay.httpUrl).port)

test('connections at once are limited for each address, and a place is free when one closes', async () => {
  const port = portOf(await relayWith({ connectionsPerIp: 2 }))
  const first = await upgrade(port)
  expect([first.status, (await upgrade(port)).status, (await upgrade(port)).status]).toEqual([101, 101, 429])
  first.socket.destroy()
  await until('the place to be free', async () => (await upgrade(port)).status === 101)
})

test('new connections per second are limited for each address', async () => {
  const port = portOf(await relayWith({ connectionsPerIpPerSecond: 1 }))
  const startedAt = performance.now()
  const answers = await Promise.all(Array.from({ length: 20 }, () => upgrade(port)))
  const seconds = (performance.now() - startedAt) / 1000
  const taken = answers.filter(({ status }) => status === 101).length
  expect(taken).toBeGreaterThanOrEqual(4) // at once, and one more in each second that went by meanwhile
  expect(taken).toBeLessThanOrEqual(4 + Math.ceil(seconds))
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(20 - taken)
})

test('all together are limited', async () => {
  const port = portOf(await relayWith({ maxConnections: 1, maxReservations: 1 }))
  expect([(await upgrade(port)).status, (await upgrade(port)).status]).toEqual([101, 503])
})

test('when all places are taken, the address with most gives one to who has less, and none to its like', async () => {
  const relay = await relayWith({ maxConnections: 3, maxReservations: 1, trustProxy: 1 })
  const from = (address: string): Promise<{ status: number; socket: Socket }> =>
    upgrade(portOf(relay), [`X-Forwarded-For: ${address}`])
  const greedy = [await from('203.0.113.1'), await from('203.0.113.1'), await from('203.0.113.2')]
  const other = await from('198.51.100.1')
  expect([other.status, ...greedy.map(({ status }) => status)]).toEqual([101, 101, 101, 101])
  await until('one to go', () => greedy.some(({ socket }) => socket.destroyed))
  expect(greedy.map(({ socket }) => socket.destroyed)).toEqual([true, false, false])
  expect([(await from('203.0.113.3')).status, (await from('192.0.2.1')).status]).toEqual([503, 101])
  expect(other.socket.destroyed).toBe(false)
  const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
  expect(metrics).toContain('infernet_sockets_cut_total{reason="crowded-connections"} 2')
})

test('a WebSocket that never joins is cut, one that has joined may be silent', async () => {
  const relay = await relayWith()
  const client = await startClient()
  cleanups.push(() => client.stop())
  const joined = await client.dial(multiaddr(relay.addresses[0] ?? ''))
  const { socket } = await upgrade(portOf(relay))
  socket.resume()
  await until('the silent one to go', () => socket.destroyed)
  await new Promise((resolve) => setTimeout(resolve, 4000))
  expect(joined.status).toBe('open')
  const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
  expect(metrics).toContain('infernet_sockets_cut_total{reason="silent-handshake"} 1')
})

test('more WebSockets that never join than there are places, of many addresses, keep nobody out', async () => {
  const relay = await relayWith({ trustProxy: 1 })
  const isCut = { count: 0 }
  for (let count = 0; count < 600; count++) {
    // Not awaited one by one, as an attacker would not.
    const socket = connectTcp(portOf(relay), '127.0.0.1')
    cleanups.push(() => void socket.destroy())
    socket.on('error', () => undefined).on('close', () => isCut.count++)
    const from = `X-Forwarded-For: 203.0.113.${count % 20}`
    socket.write(['GET / HTTP/1.1', 'Host: x', ...HANDSHAKE, from, '\r\n'].join('\r\n'))
    socket.resume()
  }
  await until('the places to be taken', () => isCut.count > 0)
  const client = await startClient()
  cleanups.push(() => client.stop())
  const startedAt = performance.now()
  await client.dial(multiaddr(relay.addresses[0] ?? ''))
  expect(performance.now() - startedAt).toBeLessThan(HANDSHAKE_SILENCE_MS)
})

test('behind a trusted proxy each forwarded address has its own limit, and a forged one does not help', async () => {
  const port = portOf(await relayWith({ connectionsPerIp: 1, trustProxy: 1 }))
  const from = async (header: string): Promise<number> =>
    (await upgrade(port, [`X-Forwarded-For: ${header}`])).status
  expect([await from('203.0.113.1'), await from('203.0.113.2'), await from('203.0.113.1')]).toEqual([
    101, 101, 429,
  ])
  expect(await from('198.51.100.9, 203.0.113.1')).toBe(429)
  expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:1::1')]).toEqual([
    101, 429, 101,
  ])
})

test('without trust the forwarded address changes nothing', async () => {
  const port = portOf(await relayWith({ connectionsPerIp: 1 }))
  expect((await upgrade(port, ['X-Forwarded-For: 203.0.113.1'])).status).toBe(101)
  expect((await upgrade(port, ['X-Forwarded-For: 203.0.113.2'])).status).toBe(429)
})

test('refusals are counted by their reason', async () => {
  const relay = await relayWith({ connectionsPerIp: 1 })
  await upgrade(portOf(relay))
  await upgrade(portOf(relay))
  const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
  expect(metrics).toContain('infernet_websocket_upgrades_total{result="accepted"} 1')
  expect(metrics).toContain('infernet_websocket_upgrades_total{result="address-parallel"} 1')
})

test('what is no WebSocket handshake is refused and never piped', async () => {
  const port = portOf(await relayWith())
  const wrong = [
    HANDSHAKE.filter((line) => !line.includes('Key')),
    HANDSHAKE.map((line) => line.replace('13', '8')),
    HANDSHAKE.map((line) => line.replace('AAAA==', '')),
  ]
  for (const handshake of wrong) expect((await upgrade(port, [], handshake)).status).toBe(400)
})

test('while libp2p is not up an upgrade is 503', async () => {
  const { port } = await barePipe({ targetPort: () => undefined })
  expect((await upgrade(port)).status).toBe(503)
})

test('only the handshake goes through, then every byte, and the end of either side ends both', async () => {
  const { port, inner, pipe } = await barePipe({})
  const arriving = new Promise<Socket>((resolve) => inner.once('connection', resolve))
  const client = connectTcp(port, '127.0.0.1')
  client.write(['GET /x HTTP/1.1', 'Host: evil', 'Cookie: a=b', ...HANDSHAKE, '\r\n'].join('\r\n') + 'early')
  const upstream = await arriving
  let seen = ''
  upstream.on('data', (chunk) => (seen += chunk.toString('latin1')))
  await until('the handshake', () => seen.endsWith('\r\n\r\nearly'))
  expect(seen).toBe(
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nearly',
  )
  expect(pipe.clientBehind(upstream.remotePort ?? 0)).toEqual({ ip: '127.0.0.1', group: '127.0.0.1' })
  upstream.write('back')
  expect(await new Promise((resolve) => client.once('data', (data) => resolve(data.toString())))).toBe('back')
  client.end() // half of it: the other half must follow by itself
  await new Promise((resolve) => upstream.once('close', resolve))
  await until(
    'nothing left',
    () => pipe.size === 0 && pipe.clientBehind(upstream.remotePort ?? 0) === undefined,
  )
})

test('when libp2p closes its side the client is closed too, with what was sent before', async () => {
  const { port, inner, pipe } = await barePipe({})
  inner.once('connection', (socket) => socket.end('goodbye'))
  const client = connectTcp(port, '127.0.0.1')
  let seen = ''
  client.on('data', (chunk) => (seen += chunk.toString()))
  client.write(['GET / HTTP/1.1', 'Host: x', ...HANDSHAKE, '\r\n'].join('\r\n'))
  await new Promise((resolve) => client.once('close', resolve))
  expect(seen).toBe('goodbye')
  await until('nothing left', () => pipe.size === 0)
})

test.each(['plain', 'TLS'] as const)(
  'over %s a client that says nothing is cut, one that speaks is not, whatever is sent to it',
  async (kind) => {
    const pair = kind === 'TLS' ? selfSigned() : undefined
    const { port, inner, pipe } = await barePipe({ pair, silentMs: 1500, sweepMs: 50 })
    inner.on('connection', (socket) => {
      const timer = setInterval(() => socket.write('to you'), 20)
      socket.on('close', () => clearInterval(timer))
      socket.on('error', () => undefined)
    })
    const open = (): Socket => {
      const socket = pair
        ? connectTls({ port, host: '127.0.0.1', ca: pair.cert, servername: 'localhost' })
        : connectTcp(port, '127.0.0.1')
      cleanups.push(() => void socket.destroy())
      socket.on('error', () => undefined).resume()
      socket.write(['GET / HTTP/1.1', 'Host: x', ...HANDSHAKE, '\r\n'].join('\r\n'))
      return socket
    }
    const [silent, talking] = [open(), open()]
    await until('both to be piped', () => pipe.size === 2)
    const timer = setInterval(() => talking.write('.'), 50)
    cleanups.push(() => clearInterval(timer))
    await new Promise((resolve) => silent.once('close', resolve))
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect([talking.destroyed, pipe.size]).toEqual([false, 1])
  },
)

test('with certificate files it speaks https and wss, and takes a renewed certificate in', async () => {
  const folder = await temporaryFolder()
  cleanups.push(folder.remove)
  const [tlsCert, tlsKey] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')]
  const write = async (): Promise<string> => {
    const { cert, key } = selfSigned()
    await Promise.all([writeFile(tlsCert, cert), writeFile(tlsKey, key)])
    return cert
  }
  const ca = await write()
  const relay = await relayWith({ tlsCert, tlsKey })
  expect(relay.httpUrl).toMatch(/^https:/)
  expect(relay.addresses[0]).toContain('/tls/ws/p2p/')
  expect(await statusOverTls(portOf(relay), ca)).toBe(101)
  expect(await networkOverTls(portOf(relay), ca)).toContain(`/dns/localhost/tcp/${portOf(relay)}/tls/ws/p2p/`)
  const renewed = await write()
  relay.reload()
  expect(await statusOverTls(portOf(relay), renewed)).toBe(101)
  await expect(statusOverTls(portOf(relay), ca)).rejects.toThrow()
  await writeFile(tlsKey, 'half written')
  relay.reload()
  expect(await statusOverTls(portOf(relay), renewed)).toBe(101)
})

test('certificate files that do not fit together stop the start with a fix', async () => {
  const folder = await temporaryFolder()
  cleanups.push(folder.remove)
  const [tlsCert, tlsKey] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')]
  await Promise.all([writeFile(tlsCert, selfSigned().cert), writeFile(tlsKey, selfSigned().key)])
  await expect(startRelay({ tlsCert, tlsKey })).rejects.toThrow('Check --tls-cert and --tls-key')
})

test('a port that is taken stops the start with a fix', async () => {
  const relay = await relayWith()
  await expect(startRelay({ port: portOf(relay) })).rejects.toThrow(/is in use\. Choose another with --port/)
})

async function barePipe({
  targetPort,
  pair,
  ...init
}: UpgradePipeInit & {
  targetPort?: () => number | undefined
  pair?: { cert: string; key: string } | undefined
}): Promise<{
  port: number
  inner: Server
  pipe: UpgradePipe
}> {
  const inner = createServer()
  await new Promise<void>((resolve) => inner.listen(0, '127.0.0.1', resolve))
  const pipe = new UpgradePipe(
    {
      limiter: new AddressLimiter(nodeClock, { rate: { burst: 9, perSecond: 9 }, parallel: 9 }),
      clientAddress: clientAddressFinder(0),
      targetPort: targetPort ?? (() => (inner.address() as AddressInfo).port),
    },
    init,
  )
  const outer = pair ? createTlsServer(pair) : createHttpServer()
  outer.on('upgrade', (request, socket, head) => void pipe.handle(request, socket, head))
  await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => (pipe.close(), inner.close(), void outer.close()))
  return { port: (outer.address() as AddressInfo).port, inner, pipe }
}

async function statusOverTls(port: number, ca: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const socket = connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' }, () => {
    socket.write(['GET / HTTP/1.1', 'Host: x', ...HANDSHAKE, '\r\n'].join('\r\n'))
  })
  socket.once('data', (data: Buffer) => resolve(Number(data.toString('latin1').split(' ')[1])))
  socket.once('error', reject)
  return promise.finally(() => socket.destroy())
}

async function networkOverTls(port: number, ca: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  getTls({ host: 'localhost', family: 4, port, path: '/network.json', ca, agent: false }, (response) => {
    let body = ''
    response.on('data', (chunk: Buffer) => (body += chunk.toString()))
    response.on('end', () => resolve(body))
  }).on('error', reject)
  return promise
}
