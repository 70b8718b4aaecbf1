import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test, vi } from 'vitest'
import { INTRODUCTION_TRY_MS, PROOF_MS, SILENT_CLIENT_MS } from './base/limits.ts'
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

/** Counts what the relay introduces over the connection that the provider has now. */
function watchIntroductions({ relay, provider }: { relay: Relay; provider: Libp2p }) {
  const [connection] = relay.node.getConnections(provider.peerId)
  if (!connection) throw new Error('the provider is not there')
  const begun = Promise.withResolvers<void>()
  const watched = { count: 0, begun: begun.promise }
  const open = connection.newStream.bind(connection)
  vi.spyOn(connection, 'newStream').mockImplementation((protocols, options) => {
    if ([protocols].flat().includes(RELAY_V2_STOP_CODEC)) {
      watched.count++
      begun.resolve()
    }
    return open(protocols, options)
  })
  return watched
}

/** What a relay gives one connection of an introduction, and its proof, is never over: only a newer connection helps. */
function withoutDeadlines(): void {
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  const spy = vi
    .spyOn(AbortSignal, 'timeout')
    .mockImplementation((ms) =>
      ms === INTRODUCTION_TRY_MS || ms === PROOF_MS ? new AbortController().signal : timeout(ms),
    )
  cleanUp.push(() => spy.mockRestore())
}

/** Beside a busy core; well below what it takes where nothing is proved. */
const BUSY_MS = 30_000

test('a provider whose network changed is reached over its new connection at once, and the dead one is closed', async () => {
  const { relay, direct, provider, cut } = await connected()
  cut()
  const dead = watchIntroductions({ relay, provider })
  await provider.dial(multiaddr(direct), { force: true })
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  const startedAt = performance.now()
  const target = multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const connection = await consumer.dial(target, { signal: AbortSignal.timeout(BUSY_MS) })
  expect(connection.remotePeer.equals(provider.peerId)).toBe(true)
  expect(dead.count, 'the dead one was not tried first').toBe(0)
  await until(
    'the dead one to be closed',
    () => relay.node.getConnections(provider.peerId).length === 1,
    BUSY_MS,
  )
  expect(performance.now() - startedAt, 'it was proved').toBeLessThan(SILENT_CLIENT_MS)
  expect(relay.node.services.relay.reservations.size, 'its place is kept').toBe(1)
})

test('who comes back while it is waited for is reached over the new connection at once', async () => {
  const { relay, direct, provider, cut } = await connected()
  cut()
  withoutDeadlines()
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  const dead = watchIntroductions({ relay, provider })
  const target = multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const back = dead.begun.then(() => provider.dial(multiaddr(direct), { force: true }))
  const [connection] = await Promise.all([
    consumer.dial(target, { signal: AbortSignal.timeout(BUSY_MS) }),
    back,
  ])
  expect(connection.remotePeer.equals(provider.peerId)).toBe(true)
  expect(dead.count).toBe(1)
})

test('who cannot be introduced is proved at once, and gone when it is silent', async () => {
  const { relay, direct, provider, cut } = await connected()
  cut()
  const consumer = await startClient()
  cleanUp.push(() => consumer.stop())
  const target = multiaddr(`${direct}/p2p-circuit/p2p/${provider.peerId.toString()}`)
  const startedAt = performance.now()
  await expect(consumer.dial(target, { signal: AbortSignal.timeout(BUSY_MS) })).rejects.toThrow()
  await until('it to be gone', () => relay.node.getConnections(provider.peerId).length === 0, BUSY_MS)
  expect(performance.now() - startedAt, 'it was proved').toBeLessThan(SILENT_CLIENT_MS)
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
