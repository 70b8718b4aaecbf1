import type { Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { MAX_REACH_DIALS_PER_GROUP, REACH_DIALS_PER_GROUP, REACHED_MS } from '../base/limits.ts'
import { DialledAddresses } from './dialled-addresses.ts'

const nodes: Libp2p[] = []
async function node(...listen: string[]): Promise<Libp2p> {
  const started = await startLocalNode({ listen })
  nodes.push(started)
  return started
}
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (each) => each.stop()))
})

let clock: FakeClock
let dials: string[]
beforeEach(() => {
  clock = new FakeClock()
  dials = []
})

/** Dials with a real node, and writes down where to. */
async function dialled(allowsLocal = true): Promise<DialledAddresses> {
  const own = await node()
  const dial: Libp2p['dial'] = (address, options) => {
    dials.push(String(address))
    return own.dial(address, options)
  }
  return new DialledAddresses({ clock, node: { dial } }, { allowsLocal })
}
const OWN = '/ip4/127.0.0.1/tcp/0/ws'
const nameOf = (of: Libp2p): PeerName => peerName(of.peerId.toString())
const addressOf = (of: Libp2p): string => of.getMultiaddrs()[0]?.toString() ?? ''
const bareAddressOf = (of: Libp2p): string => addressOf(of).split('/p2p/')[0] ?? ''

test('who answers under its own name is reached, and not dialled again for a while', async () => {
  const provider = await node(OWN)
  const addresses = await dialled()
  expect(await addresses.answers(nameOf(provider), [addressOf(provider)], 'a')).toBe(true)
  expect(await addresses.answers(nameOf(provider), [addressOf(provider)], 'a')).toBe(true)
  expect(dials).toHaveLength(1)
  expect(await addresses.answers(nameOf(provider), [bareAddressOf(provider)], 'a')).toBe(true)
  await clock.advance(REACHED_MS)
  await provider.stop()
  expect(await addresses.answers(nameOf(provider), [addressOf(provider)], 'a')).toBe(false)
})

test('who names the address of somebody else, or of nobody, is not reached', async () => {
  const [provider, stranger] = [await node(OWN), (await makePeer()).name]
  const addresses = await dialled()
  expect(await addresses.answers(stranger, [bareAddressOf(provider)], 'a')).toBe(false)
  expect(await addresses.answers(stranger, [addressOf(provider)], 'a'), 'another name in it').toBe(false)
  expect(dials).toHaveLength(1)
  expect(await addresses.answers(stranger, ['/ip4/127.0.0.1/tcp/1/ws'], 'a')).toBe(false)
})

test('a relay of the open network dials nobody in its own, under no name and below no path', async () => {
  const provider = await node(OWN)
  const addresses = await dialled(false)
  const name = nameOf(provider)
  const port = /tcp\/(\d+)/.exec(addressOf(provider))?.[1]
  for (const host of ['/ip4/127.0.0.1', '/ip4/10.0.0.1', '/dns/localhost', '/dns4/printer.lan', '/ip6/::1'])
    expect(await addresses.answers(name, [`${host}/tcp/${port}/ws`], 'a')).toBe(false)
  const path = `/ip4/192.0.2.1/tcp/${port}/ws/http-path/${encodeURIComponent('off/relay')}`
  expect(await addresses.answers(name, [path], 'a')).toBe(false)
  expect(dials).toEqual([])
})

test('two addresses of an offer are tried, and no more', async () => {
  const provider = await node(OWN)
  const addresses = await dialled()
  const dead = [1, 2].map((port) => `/ip4/127.0.0.1/tcp/${port}/ws`)
  expect(await addresses.answers(nameOf(provider), [...dead, addressOf(provider)], 'a')).toBe(false)
  expect(dials).toHaveLength(2)
})

test('one group takes no more than its share of the dials, at once and over time', async () => {
  const hanging = Promise.withResolvers<never>()
  const addresses = new DialledAddresses(
    { clock, node: { dial: () => hanging.promise } },
    { allowsLocal: true },
  )
  const ask = (group: string): Promise<boolean> =>
    addresses.answers(someone, ['/ip4/127.0.0.1/tcp/1/ws'], group)
  const someone = (await makePeer()).name
  const first = Array.from({ length: MAX_REACH_DIALS_PER_GROUP }, () => ask('a'))
  await expect(ask('a')).rejects.toMatchObject({ code: 'schedule.rate-limited' })
  const other = ask('b')
  hanging.reject(new Error('nobody there'))
  expect(new Set(await Promise.all([...first, other]))).toEqual(new Set([false]))
  const left = REACH_DIALS_PER_GROUP.burst - MAX_REACH_DIALS_PER_GROUP
  for (let i = 0; i < left; i++) expect(await ask('a')).toBe(false)
  await expect(ask('a')).rejects.toMatchObject({ code: 'schedule.rate-limited' })
  await clock.advance(60_000)
  expect(await ask('a')).toBe(false)
})
