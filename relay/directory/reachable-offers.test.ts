import { beforeEach, expect, test } from 'vitest'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import type { Brought } from '#shared/schedule/directory.ts'
import { reachOf } from './reachable-offers.ts'

const [us, other, provider] = ['us', 'other', 'provider'].map(peerName) as [PeerName, PeerName, PeerName]
const through = (relay: PeerName): string => `/dns/r.example/tcp/443/tls/ws/p2p/${relay}/p2p-circuit/webrtc`
const DIRECT = '/ip4/192.0.2.7/tcp/8080/ws'
const bringer = { kind: 'provider', group: 'a block' } as const
const itself: Brought = { isLocal: true, bringer }

let hasPlace: boolean
let isConnected: boolean
let answers: boolean
let dialled: unknown[]

beforeEach(() => {
  hasPlace = false
  isConnected = true
  answers = false
  dialled = []
})

const reach = (addresses: readonly string[], brought: Brought, name = provider): Promise<boolean> =>
  reachOf({
    name: us,
    hasPlace: () => hasPlace,
    isConnected: () => isConnected,
    dialled: {
      answers: async (who, at, group) => {
        dialled.push([who, at, group])
        return answers
      },
    },
  })({ provider: name, addresses }, brought)

test('a provider that has a place here, and says so, is listed without a dial', async () => {
  hasPlace = true
  expect(await reach([through(us)], itself)).toBe(true)
  expect(dialled).toEqual([])
})

test('a place at another relay, or one that the offer does not name, is none', async () => {
  expect(await reach([through(us)], itself)).toBe(false)
  expect(await reach([through(other)], itself)).toBe(false)
  hasPlace = true
  expect(await reach([through(other)], itself)).toBe(false)
  expect(await reach([], itself)).toBe(false)
})

test('a provider that answers at its address is listed, unless it has gone meanwhile', async () => {
  answers = true
  expect(await reach([DIRECT], itself)).toBe(true)
  expect(dialled).toEqual([[provider, [DIRECT], 'a block']])
  isConnected = false
  expect(await reach([DIRECT], itself)).toBe(false)
})

test('by gossip counts a place at the relay that says so, or an address that could be dialled', async () => {
  const by: Brought = { isLocal: false, relay: other, bringer: { kind: 'stranger', group: 'b' } }
  expect(await reach([through(other)], by)).toBe(true)
  expect(await reach([DIRECT], by)).toBe(true)
  expect(await reach([through(us)], by), 'nobody vouches for a place elsewhere').toBe(false)
  expect(await reach(['/ip4/192.0.2.7/udp/1/quic-v1'], by)).toBe(false)
  expect(await reach([], by)).toBe(false)
  expect(await reach([], by, other), 'the other relay provides itself').toBe(true)
  expect(dialled, 'a stranger has nobody dialled by gossip').toEqual([])
})

test('the provider in this process is always there', async () => {
  expect(await reach([], { isLocal: false, bringer }, us)).toBe(true)
})
