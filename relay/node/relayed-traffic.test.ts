import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { RELAYED_BYTES_PER_PEER, RELAYED_OPENS_PER_ADDRESS, RELAYED_OPENS_PER_PEER } from '../base/limits.ts'
import { RelayedTraffic } from './relayed-traffic.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

/** As much of a stream as the traffic counter touches. */
function fakeStream(protocol: string, direction: 'inbound' | 'outbound') {
  const sent: number[] = []
  const stream = {
    protocol,
    direction,
    isAborted: false,
    send: (data: { byteLength: number }) => sent.push(data.byteLength) > 0,
    abort: () => void (stream.isAborted = true),
  }
  return { stream: stream as unknown as Stream & { isAborted: boolean }, sent }
}

function setUp() {
  const clock = new FakeClock()
  const streams = new Map<string, Stream[]>()
  let bytes = 0
  const opens: boolean[] = []
  const traffic = new RelayedTraffic({
    clock,
    streamsOf: (peer) => streams.get(peer.toString()) ?? [],
    addressGroupOf: () => '203.0.113.1',
    onBytes: (more) => (bytes += more),
    onOpen: (isAllowed) => opens.push(isAllowed),
  })
  const open = (peer: PeerId, protocol: string, direction: 'inbound' | 'outbound') => {
    const made = fakeStream(protocol, direction)
    streams.set(peer.toString(), [...(streams.get(peer.toString()) ?? []), made.stream])
    traffic.track(made.stream)
    return made
  }
  return { clock, traffic, open, bytes: () => bytes, opens }
}

test('a peer may open some at once, then one a second; its address some more', async () => {
  const { clock, traffic, opens } = setUp()
  const [asker, provider] = [await newPeer(), await newPeer()]
  for (let i = 0; i < RELAYED_OPENS_PER_PEER.burst; i++) expect(traffic.denies(asker, provider)).toBe(false)
  expect(traffic.denies(asker, provider)).toBe(true)
  await clock.advance(1000)
  expect([traffic.denies(asker, provider), traffic.denies(asker, provider)]).toEqual([false, true])
  expect(opens.filter((isAllowed) => !isAllowed)).toHaveLength(2)
})

test('fresh identities from one address share its allowance', async () => {
  const { traffic } = setUp()
  const provider = await newPeer()
  let allowed = 0
  for (let i = 0; i < RELAYED_OPENS_PER_ADDRESS.burst + 20; i++)
    if (!traffic.denies(await newPeer(), provider)) allowed++
  expect(allowed).toBe(RELAYED_OPENS_PER_ADDRESS.burst)
})

test('the introduction itself is not counted, all after it is, on both streams', async () => {
  const { traffic, open, bytes } = setUp()
  const [asker, provider] = [await newPeer(), await newPeer()]
  const hop = open(asker, RELAY_V2_HOP_CODEC, 'inbound')
  traffic.denies(asker, provider)
  const stop = open(provider, RELAY_V2_STOP_CODEC, 'outbound')
  hop.stream.send(new Uint8Array(50))
  stop.stream.send(new Uint8Array(60))
  expect(bytes()).toBe(0)
  hop.stream.send(new Uint8Array(1000))
  stop.stream.send(new Uint8Array(200))
  expect([bytes(), hop.sent, stop.sent]).toEqual([1200, [50, 1000], [60, 200]])
})

test('who asked pays for both directions; beyond its allowance the stream is cut, and nobody else suffers', async () => {
  const { traffic, open } = setUp()
  const [greedy, provider, other] = [await newPeer(), await newPeer(), await newPeer()]
  open(greedy, RELAY_V2_HOP_CODEC, 'inbound')
  traffic.denies(greedy, provider)
  const towards = open(provider, RELAY_V2_STOP_CODEC, 'outbound')
  towards.stream.send(new Uint8Array(60))
  towards.stream.send(new Uint8Array(RELAYED_BYTES_PER_PEER.burst))
  expect(towards.stream.isAborted).toBe(false)
  expect(towards.stream.send(new Uint8Array(1))).toBe(false)
  expect(towards.stream.isAborted).toBe(true)
  open(other, RELAY_V2_HOP_CODEC, 'inbound')
  traffic.denies(other, provider)
  const second = open(provider, RELAY_V2_STOP_CODEC, 'outbound')
  second.stream.send(new Uint8Array(60))
  expect(second.stream.send(new Uint8Array(1000))).toBe(true)
})

test('streams of other protocols are left alone', async () => {
  const { open, bytes } = setUp()
  const { stream } = open(await newPeer(), '/infernet/schedule/1', 'inbound')
  stream.send(new Uint8Array(10))
  stream.send(new Uint8Array(10))
  expect(bytes()).toBe(0)
})
