import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import * as v from 'valibot'
import { afterEach, expect, test } from 'vitest'
import type { Relay } from './create-relay.ts'
import { loadIdentity } from './identity.ts'
import { RELAYED_OPENS_PER_PEER } from './base/limits.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import type { HealthInfo } from './serve/network-info.ts'
import { startClient, startRelay, temporaryFolder, until } from './testing/fixtures.ts'

const running: (Relay | Libp2p)[] = []
const keep = async <T extends Relay | Libp2p>(starting: Promise<T>): Promise<T> => {
  const started = await starting
  running.push(started)
  return started
}
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop()
})

const address = (relay: Relay): string => relay.addresses[0] ?? ''
const getJson = async <T>(relay: Relay, path: string): Promise<T> =>
  (await fetch(new URL(path, relay.httpUrl))).json() as Promise<T>

test('a client finds the relay by /network.json and gets a reservation through the public port', async () => {
  const relay = await keep(startRelay())
  const written = await getJson(relay, '/network.json')
  const info = v.parse(networkInfoSchema, written)
  expect(info, 'a page reads all that is written').toEqual(written)
  expect(info.relays).toEqual([`/ip4/127.0.0.1/tcp/${new URL(relay.httpUrl).port}/ws/p2p/${relay.name}`])
  const client = await keep(startClient(info.relays))
  await until('the reservation', () => relay.node.services.relay.reservations.size === 1)
  expect(client.getMultiaddrs().map(String)).toEqual([
    `${info.relays[0]}/p2p-circuit/p2p/${client.peerId.toString()}`,
  ])
  const [connection] = relay.node.getConnections(client.peerId)
  expect(connection && relay.clientOf(connection)).toEqual({ ip: '127.0.0.1', group: '127.0.0.1' })
  expect(await getJson<HealthInfo>(relay, '/health')).toMatchObject({
    status: 'ok',
    peers: 1,
    reservations: 1,
  })
})

test('a reservation is freed when its peer goes, so that a full relay takes the next one', async () => {
  const relay = await keep(startRelay({ maxReservations: 1 }))
  const first = await startClient([address(relay)])
  await until('the first reservation', () => relay.node.services.relay.reservations.size === 1)
  await expect(startClient([address(relay)])).rejects.toThrow()
  await first.stop()
  await until('the place to be free', () => relay.node.services.relay.reservations.size === 0)
  await keep(startClient([address(relay)]))
  expect(relay.node.services.relay.reservations.size).toBe(1)
})

test('a peer with a second connection keeps its reservation when the first closes', async () => {
  const relay = await keep(startRelay())
  const client = await keep(startClient([address(relay)]))
  await client.dial(multiaddr(address(relay)), { force: true })
  await until('two connections', () => relay.node.getConnections(client.peerId).length === 2)
  await relay.node.getConnections(client.peerId)[1]?.close()
  await until('one connection', () => relay.node.getConnections(client.peerId).length === 1)
  expect(relay.node.services.relay.reservations.size).toBe(1)
})

test('the record of a peer that went is deleted, so that churn costs no memory', async () => {
  const relay = await keep(startRelay())
  const client = await startClient([address(relay)])
  await until('the record', async () => relay.node.peerStore.has(client.peerId))
  await client.stop()
  await until('the record to go', async () => !(await relay.node.peerStore.has(client.peerId)))
})

test('bytes between two peers are counted, both ways, without the introduction', async () => {
  const relay = await keep(startRelay())
  const { stream } = await relayedEcho(relay)
  const before = await relayedBytes(relay)
  await roundTrip(stream, 10_000)
  // Encrypted by the two peers: 16 bytes of tag, 2 of length and 12 of muxer header a message.
  await until('the echo to be counted', async () => (await relayedBytes(relay)) >= before + 20_000)
  expect((await relayedBytes(relay)) - before).toBeLessThan(20_500)
})

test('a relayed connection ends at its byte limit', async () => {
  const relay = await keep(startRelay({ relayDataLimitBytes: 65_536 }))
  const { stream } = await relayedEcho(relay)
  const closed = Promise.withResolvers<void>()
  stream.addEventListener('close', () => closed.resolve())
  await roundTrip(stream, 20_000)
  stream.send(new Uint8Array(60_000))
  await closed.promise
})

test('a peer that opens relayed connections in a loop is refused, others are not', async () => {
  const relay = await keep(startRelay())
  const provider = await keep(startClient([address(relay)]))
  const target = multiaddr(`${address(relay)}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const greedy = await keep(startClient())
  let opened = 0
  const loop = async (): Promise<void> => {
    for (; opened < RELAYED_OPENS_PER_PEER.burst * 3; opened++) await (await greedy.dial(target)).close()
  }
  await expect(loop()).rejects.toThrow()
  expect(opened).toBeGreaterThanOrEqual(RELAYED_OPENS_PER_PEER.burst)
  const other = await keep(startClient())
  await other.dial(target)
})

test("nobody reaches libp2p's own port around the limits", async () => {
  const relay = await keep(startRelay())
  const { components } = relay.node as unknown as {
    components: { transportManager: { getListeners(): { getAddrs(): unknown[] }[] } }
  }
  const [inner] = components.transportManager.getListeners()[0]?.getAddrs() ?? []
  const client = await keep(startClient())
  await expect(client.dial(multiaddr(String(inner)))).rejects.toThrow()
})

test('a WebSocket message beyond the bound ends its connection and nothing else', async () => {
  const relay = await keep(startRelay())
  const socket = new WebSocket(relay.httpUrl.replace('http', 'ws'))
  const closed = Promise.withResolvers<CloseEvent>()
  socket.onclose = (event) => closed.resolve(event)
  socket.onopen = () => socket.send(new Uint8Array(1 << 20))
  await closed.promise
  await keep(startClient([address(relay)]))
})

test('a frame that breaks the WebSocket protocol does not end the process', async () => {
  const relay = await keep(startRelay())
  const { port } = new URL(relay.httpUrl)
  const socket = connect(Number(port), '127.0.0.1')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  socket.once('data', (answer) => {
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /)
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff])) // reserved bits, an unknown opcode
  })
  await closed
  await keep(startClient([address(relay)]))
})

test('a relay comes back under the same name from the same data folder', async () => {
  const folder = await temporaryFolder()
  const first = await startRelay({}, { privateKey: await loadIdentity(folder.path) })
  await first.stop()
  const second = await keep(startRelay({}, { privateKey: await loadIdentity(folder.path) }))
  expect(second.name).toBe(first.name)
  await folder.remove()
})

test('stop cuts what is open, frees the port and is done in time', async () => {
  const relay = await startRelay()
  const client = await keep(startClient([address(relay)]))
  const port = Number(new URL(relay.httpUrl).port)
  const idle = connect(port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  const startedAt = performance.now()
  await relay.stop()
  expect(performance.now() - startedAt).toBeLessThan(4000)
  await until('the client to notice', () => client.getConnections().length === 0)
  const again = await keep(startRelay({ port }))
  expect(new URL(again.httpUrl).port).toBe(String(port))
  idle.destroy()
})

test('after stop nothing keeps the process alive', async () => {
  const script = `
    import { startRelay, startClient } from '${new URL('testing/fixtures.ts', import.meta.url).href}'
    const hub = await startRelay()
    const relay = await startRelay({ peers: [...hub.addresses] })
    const client = await startClient([...relay.addresses])
    await fetch(new URL('/health', relay.httpUrl))
    await Promise.all([relay.stop(), hub.stop()])
    await client.stop()
    console.log('stopped')`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 })
  expect(stdout).toBe('stopped\n')
})

test('a mount starts with the relay, stops before it, and its failure stops the start', async () => {
  const seen: string[] = []
  const relay = await startRelay(
    {},
    {
      mounts: [
        async (mounted) => {
          seen.push(`started on ${mounted.node.status}`)
          mounted.countOffersBy(() => 7)
          return { stop: async () => void seen.push(`stopped on ${mounted.node.status}`) }
        },
      ],
    },
  )
  expect(await getJson<HealthInfo>(relay, '/health')).toMatchObject({ offers: 7 })
  await relay.stop()
  expect(seen).toEqual(['started on started', 'stopped on started'])
  await expect(startRelay({}, { mounts: [() => Promise.reject(new Error('no model'))] })).rejects.toThrow(
    'no model',
  )
})

const ECHO = '/test/echo/1'

async function relayedEcho(relay: Relay): Promise<{ stream: Stream }> {
  const provider = await keep(startClient([address(relay)]))
  await provider.handle(
    ECHO,
    (stream) => stream.addEventListener('message', ({ data }) => void stream.send(data.subarray())),
    { runOnLimitedConnection: true },
  )
  const consumer = await keep(startClient())
  // Whatever the two tell each other of themselves has gone its way, and is no part of what a test sends.
  const known = Promise.all([identified(consumer, provider), identified(provider, consumer)])
  const target = multiaddr(`${address(relay)}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const stream = await consumer.dialProtocol(target, ECHO, { runOnLimitedConnection: true })
  await Promise.all([known, roundTrip(stream, 1)])
  return { stream }
}

function identified(by: Libp2p, who: Libp2p): Promise<void> {
  return new Promise((resolve) => {
    by.addEventListener('peer:identify', ({ detail }) => {
      if (detail.peerId.equals(who.peerId)) resolve()
    })
  })
}

async function roundTrip(stream: Stream, bytes: number): Promise<void> {
  let left = bytes
  const done = Promise.withResolvers<void>()
  const onMessage = ({ data }: { data: { byteLength: number } }): void => {
    left -= data.byteLength
    if (left <= 0) done.resolve()
  }
  stream.addEventListener('message', onMessage)
  stream.send(new Uint8Array(bytes))
  await done.promise
  stream.removeEventListener('message', onMessage)
}

async function relayedBytes(relay: Relay): Promise<number> {
  const text = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
  return Number(/^infernet_relayed_bytes_total (\d+)$/m.exec(text)?.[1])
}
