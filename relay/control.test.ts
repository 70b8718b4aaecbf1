import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from './observe/log.ts'
import type { Relay } from './create-relay.ts'
import type { HealthInfo } from './serve/network-info.ts'
import { startClient, startRelay, temporaryFolder, until } from './testing/fixtures.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const cleanUp: (() => Promise<unknown> | void)[] = []
const lines: Record<string, unknown>[] = []
beforeEach(async () => {
  folder = await temporaryFolder()
  lines.length = 0
})
afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each()
  await folder.remove()
})

const file = (): string => join(folder.path, 'control.json')
async function start(maxReservations = 10): Promise<Relay> {
  const log = createLog('info', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })
  const relay = await startRelay({ controlFile: file(), maxReservations }, { log })
  cleanUp.push(() => relay.stop())
  return relay
}
/** By itself, as an operator's editor does; the relay looks every two seconds. */
async function change(relay: Relay, control: unknown): Promise<void> {
  const before = lines.length
  await writeFile(file(), typeof control === 'string' ? control : JSON.stringify(control))
  relay.reload()
  expect(lines.length, 'it was told').toBeGreaterThan(before)
}
async function client(relay: Relay, isProvider = true): Promise<Libp2p> {
  const node = await startClient(isProvider ? [relay.addresses[0] ?? ''] : [])
  cleanUp.push(() => node.stop())
  return node
}
const refused = async (relay: Relay, reason: string): Promise<number> =>
  Number(
    new RegExp(`^infernet_reservations_refused_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(
      await relay.metrics.text(),
    )?.[1],
  )

test('maintenance refuses new places by name, and lets those be that there are', async () => {
  const relay = await start()
  const first = await client(relay)
  await change(relay, { maintenance: true })
  await expect(client(relay)).rejects.toThrow('no reservation')
  expect(await refused(relay, 'maintenance')).toBeGreaterThan(0)
  const response = await fetch(new URL('/health', relay.httpUrl))
  expect([response.status, ((await response.json()) as HealthInfo).status]).toEqual([503, 'maintenance'])
  const consumer = await client(relay, false)
  await consumer.dial(multiaddr(`${relay.addresses[0]}/p2p-circuit/p2p/${first.peerId.toString()}`))
  await change(relay, {})
  await client(relay)
})

test('a peer that is denied goes at once and does not come back', async () => {
  const relay = await start()
  const node = await client(relay)
  await change(relay, { deny: [node.peerId.toString()] })
  await until('it to be gone', () => relay.node.getConnections(node.peerId).length === 0)
  // Its own side may believe for a moment that it is in.
  await node.dial(multiaddr(relay.addresses[0] ?? ''), { force: true }).catch(() => undefined)
  expect(relay.node.getConnections(node.peerId)).toHaveLength(0)
  expect(relay.node.services.relay.reservations.has(node.peerId)).toBe(false)
  await client(relay)
})

test('a subnet that is denied gets neither page nor mesh, health and metrics stay', async () => {
  const relay = await start()
  const node = await client(relay)
  await change(relay, { deny: ['127.0.0.0/8'] })
  await until('it to be gone', () => relay.node.getConnections(node.peerId).length === 0)
  const statusOf = async (path: string): Promise<number> => (await fetch(new URL(path, relay.httpUrl))).status
  expect(await Promise.all(['/', '/network.json', '/health', '/metrics'].map(statusOf))).toEqual([
    403, 403, 200, 200,
  ])
  await expect(client(relay)).rejects.toThrow()
  expect(await relay.metrics.text()).toMatch(
    /^infernet_websocket_upgrades_total\{result="denied-address"\} [1-9]/m,
  )
})

test('with an allow list only those come that stand on it', async () => {
  const relay = await start()
  const node = await client(relay)
  await change(relay, { allow: [node.peerId.toString(), '127.0.0.1', '::1/128'] })
  await expect(client(relay)).rejects.toThrow()
  expect(relay.node.getConnections(node.peerId)).toHaveLength(1)
  await change(relay, { allow: ['203.0.113.0/24'] })
  expect((await fetch(new URL('/', relay.httpUrl))).status).toBe(403)
})

test('the log level changes in all parts, and back', async () => {
  const relay = await start()
  await client(relay)
  expect(lines.some(({ level }) => level === 'trace')).toBe(false)
  await change(relay, { logLevel: 'trace' })
  await client(relay)
  const scopes = new Set(
    lines.filter(({ level }) => level === 'trace').map(({ scope }) => String(scope).split(':')[0]),
  )
  expect(scopes).toContain('libp2p')
  await fetch(new URL('/health', relay.httpUrl))
  await until('a line of http', () => lines.some(({ level, scope }) => level === 'trace' && scope === 'http'))
  await change(relay, {})
  const before = lines.length
  await client(relay)
  expect(lines.slice(before).filter(({ level }) => level === 'trace')).toEqual([])
})

test('a full relay counts whom it turns away', async () => {
  const relay = await start(1)
  await client(relay)
  await expect(client(relay)).rejects.toThrow('no reservation')
  expect(await refused(relay, 'full')).toBeGreaterThan(0)
})

test('a damaged file changes nothing and is told of; at the start it ends the start', async () => {
  const relay = await start()
  await change(relay, { maintenance: true })
  for (const text of ['{', '{"deny": ["somebody"]}', '{"maintenance": "yes"}', '']) {
    await change(relay, text)
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(/What was read before stays\.$/) as string,
    })
    expect(relay.isInMaintenance).toBe(true)
  }
  await writeFile(file(), '{"deny": ["somebody"]}')
  await expect(start()).rejects.toThrow(`--control-file: ${file()}: "deny.0" is not what may stand there.`)
})

test('a file that changes is read by itself', async () => {
  const relay = await start()
  await writeFile(file(), '{"maintenance": true}')
  await until('maintenance', () => relay.isInMaintenance)
})
