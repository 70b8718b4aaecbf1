import { connect, createServer, type AddressInfo } from 'node:net'
import type { Libp2p } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import type { Relay } from '../create-relay.ts'
import { startClient, startRelay, until } from '../testing/fixtures.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function relayWith(maxReservations: number): Promise<Relay> {
  const relay = await startRelay({ maxReservations })
  cleanups.push(() => relay.stop())
  return relay
}

/** A client with a reservation, whose sockets come from that address of loopback. Throws when it gets none. */
async function reserve(relay: Relay, localAddress: string): Promise<Libp2p> {
  const [, port = '', rest = ''] =
    /^\/ip4\/127\.0\.0\.1\/tcp\/(\d+)(\/.*)$/.exec(relay.addresses[0] ?? '') ?? []
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: Number(port), localAddress })
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => void server.close())
  const client = await startClient([`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}${rest}`])
  cleanups.push(() => client.stop())
  return client
}

const hasPlace = (relay: Relay, client: Libp2p): boolean =>
  relay.node.services.relay.reservations.has(client.peerId)

async function canBindTo(host: string): Promise<boolean> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  server.once('error', () => resolve(false)).listen(0, host, () => resolve(true))
  return promise.finally(() => server.close())
}

// Only Linux answers on all of 127.0.0.0/8.
test.runIf(await canBindTo('127.1.0.1'))(
  'an address that took all places gives its newest to another one, and is cut so that it knows',
  async () => {
    const relay = await relayWith(3)
    const greedy: Libp2p[] = []
    for (const host of ['127.1.0.1', '127.1.0.2', '127.1.0.2']) greedy.push(await reserve(relay, host))
    const newcomer = await reserve(relay, '127.2.0.1')
    expect([newcomer, ...greedy].map((client) => hasPlace(relay, client))).toEqual([true, true, true, false])
    const [, , loser] = greedy
    await until('its connection to close', () => relay.node.getConnections(loser?.peerId).length === 0)
    const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
    expect(metrics).toContain('infernet_sockets_cut_total{reason="crowded-places"} 1')
  },
)

test.runIf(await canBindTo('127.1.0.1'))('nobody loses a place to one whose block has as many', async () => {
  const relay = await relayWith(2)
  const here = [await reserve(relay, '127.1.0.1'), await reserve(relay, '127.2.0.1')]
  await expect(reserve(relay, '127.1.0.2')).rejects.toThrow('no reservation')
  expect(here.map((client) => hasPlace(relay, client))).toEqual([true, true])
  await here[0]?.stop()
  await until('its place to be free', () => relay.node.services.relay.reservations.size === 1)
  const next = await reserve(relay, '127.2.0.2')
  expect(hasPlace(relay, next)).toBe(true)
})
