import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { INTRODUCTION_TRY_MS } from './base/limits.ts'
import type { Relay } from './create-relay.ts'
import { startClient, startRelay, until } from './testing/fixtures.ts'

const cleanUp: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each()
})

/** What stands between a phone and the relay: it can vanish without a word to either. */
async function startCable(port: number): Promise<{ port: number; cut: () => void }> {
  const sockets: Socket[] = []
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
    sockets.push(client, upstream)
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy()
    await once(server.close(), 'close')
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => sockets.forEach((socket) => void socket.unpipe().pause()),
  }
}

async function connected(): Promise<{ relay: Relay; direct: string; provider: Libp2p; cut: () => void }> {
  const relay = await startRelay()
  cleanUp.push(() => relay.stop())
  const [direct = ''] = relay.addresses
  const { port } = new URL(relay.httpUrl)
  const cable = await startCable(Number(port))
  const provider = await startClient([direct.replace(`/tcp/${port}/`, `/tcp/${cable.port}/`)])
  cleanUp.push(() => provider.stop())
  await until('the reservation', () => relay.node.services.relay.reservations.size === 1)
  return { relay, direct, provider, cut: cable.cut }
}

const LIMIT_MS = 5000

test('a provider whose network changed is reached over its new connection at once, and the dead one is closed', async () => {
  const { relay, direct, provider, cut } = await connected()
  cut()
  await provider.dial(multiaddr(direct), { force: true })
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  const startedAt = performance.now()
  const target = multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const connection = await consumer.dial(target, { signal: AbortSignal.timeout(LIMIT_MS) })
  expect(connection.remotePeer.equals(provider.peerId)).toBe(true)
  expect(performance.now() - startedAt, 'the dead one was not tried first').toBeLessThan(INTRODUCTION_TRY_MS)
  await until(
    'the dead one to be closed',
    () => relay.node.getConnections(provider.peerId).length === 1,
    LIMIT_MS,
  )
  expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS)
  expect(relay.node.services.relay.reservations.size, 'its place is kept').toBe(1)
})

test('who comes back while it is waited for is reached over the new connection at once', async () => {
  const { relay, direct, provider, cut } = await connected()
  cut()
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  const streams = (): readonly string[] =>
    relay.node.getConnections(provider.peerId)[0]?.streams.map(({ id }) => id) ?? []
  // Streams from its joining may end meanwhile, so a count tells nothing.
  const before = new Set(streams())
  const target = multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const dial = consumer.dial(target, { signal: AbortSignal.timeout(LIMIT_MS) })
  await until('the relay to wait for the dead connection', () => streams().some((id) => !before.has(id)))
  const backAt = performance.now()
  await provider.dial(multiaddr(direct), { force: true })
  expect((await dial).remotePeer.equals(provider.peerId)).toBe(true)
  expect(performance.now() - backAt).toBeLessThan(INTRODUCTION_TRY_MS)
})

test('who cannot be introduced is proved at once, and gone when it is silent', async () => {
  const { relay, direct, provider, cut } = await connected()
  cut()
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  const target = multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const startedAt = performance.now()
  await expect(consumer.dial(target, { signal: AbortSignal.timeout(LIMIT_MS) })).rejects.toThrow()
  await until('it to be gone', () => relay.node.getConnections(provider.peerId).length === 0, LIMIT_MS)
  expect(performance.now() - startedAt).toBeLessThan(2 * LIMIT_MS)
  expect(relay.node.services.relay.reservations.size).toBe(0)
})

test('two connections that both answer are both kept', async () => {
  const { relay, direct, provider } = await connected()
  await provider.dial(multiaddr(direct), { force: true })
  await until('two', () => relay.node.getConnections(provider.peerId).length === 2)
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  await consumer.dial(multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`))
  expect(relay.node.getConnections(provider.peerId)).toHaveLength(2)
})
