import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import type { Bringer } from '#shared/schedule/bringer.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { encode } from '#shared/wire/codec.ts'
import { sign } from '#shared/wire/signed.ts'
import { RELAY_RECORD_LIFE_MS } from '../base/limits.ts'
import { KnownRelays } from './known-relays.ts'
import { sealRelayRecord } from './relay-record.ts'

const self = peerName('12D3KooWLRPPSUtzVqn2yQvXjGcDJyLmbP2sDfjqgWVbhPwbbSVZ')

async function newRelay(): Promise<{ key: PrivateKey; name: PeerName; address: string }> {
  const key = await generateKeyPair('Ed25519')
  const name = peerName(key.publicKey.toString())
  return { key, name, address: `/dns/relay.example/tcp/443/tls/ws/p2p/${name}` }
}

test('a signed record is believed until it runs out', async () => {
  const clock = new FakeClock()
  const known = new KnownRelays(clock, self)
  const { key, name, address } = await newRelay()
  const message = await sealRelayRecord(key, name, { addresses: [address], now: clock.now() })
  expect(await known.take(message, name)).toBe('accept')
  expect(known.list()).toEqual([
    { name, addresses: [address], expiresAt: clock.now() + RELAY_RECORD_LIFE_MS },
  ])
  await clock.advance(RELAY_RECORD_LIFE_MS)
  expect(known.list()).toEqual([])
})

test('a record that was seen, or is older, is not passed on again', async () => {
  const clock = new FakeClock()
  const known = new KnownRelays(clock, self)
  const { key, name, address } = await newRelay()
  const older = await sealRelayRecord(key, name, { addresses: [address], now: clock.now() })
  await clock.advance(10)
  const newer = await sealRelayRecord(key, name, { addresses: [address], now: clock.now() })
  expect(await known.take(newer, name)).toBe('accept')
  expect(await known.take(newer, name)).toBe('ignore')
  expect(await known.take(older, name)).toBe('ignore')
})

test('a late record is dropped quietly, one from the future too', async () => {
  const clock = new FakeClock()
  const known = new KnownRelays(clock, self)
  const { key, name, address } = await newRelay()
  const late = epochMillis(clock.now() - RELAY_RECORD_LIFE_MS)
  const early = epochMillis(clock.now() + 60_000)
  for (const now of [late, early])
    expect(await known.take(await sealRelayRecord(key, name, { addresses: [address], now }), name)).toBe(
      'ignore',
    )
})

test('what no honest relay sends is held against who brought it', async () => {
  const clock = new FakeClock()
  const known = new KnownRelays(clock, self)
  const { key, name, address } = await newRelay()
  const other = await newRelay()
  const now = clock.now()
  const good = { addresses: [address], issuedAt: now, expiresAt: epochMillis(now + 1000), sequence: 1 }
  const sealed = async (record: unknown, by = key): Promise<Uint8Array> =>
    encode({ relay: name, record: await sign('relay', record, by) })
  expect(await known.take(await sealed(good), name)).toBe('accept')
  const bad: [string, Uint8Array, PeerName][] = [
    ['signed by another', await sealed(good, other.key), name],
    ['published by another', await sealed(good), other.name],
    ['not CBOR', new Uint8Array([0xff]), name],
    [
      'lives too long',
      await sealed({ ...good, expiresAt: epochMillis(now + RELAY_RECORD_LIFE_MS + 1) }),
      name,
    ],
    ['ends before it begins', await sealed({ ...good, expiresAt: now }), name],
    ['an address of another', await sealed({ ...good, addresses: [other.address] }), name],
    [
      'a circuit address',
      await sealed({
        ...good,
        addresses: [`/dns/a.example/tcp/443/tls/ws/p2p/${other.name}/p2p-circuit/p2p/${name}`],
      }),
      name,
    ],
    ['no WebSocket', await sealed({ ...good, addresses: [`/ip4/192.0.2.1/udp/1/p2p/${name}`] }), name],
    ['too many addresses', await sealed({ ...good, addresses: new Array(5).fill(address) }), name],
    ['an offer instead', encode({ relay: name, record: await sign('offer', good, key) }), name],
  ]
  for (const [what, message, from] of bad)
    expect([what, await known.take(message, from)]).toEqual([what, 'reject'])
})

test('the table is bounded, and room comes back when records run out', async () => {
  const clock = new FakeClock()
  const known = new KnownRelays(clock, self, { max: 2 })
  const take = async (): Promise<string> => {
    const { key, name, address } = await newRelay()
    return known.take(await sealRelayRecord(key, name, { addresses: [address], now: clock.now() }), name)
  }
  expect([await take(), await take(), await take()]).toEqual(['accept', 'accept', 'ignore'])
  await clock.advance(RELAY_RECORD_LIFE_MS)
  expect(await take()).toBe('accept')
})

test('a stranger who tells of many relays keeps none of another bringer out', async () => {
  const clock = new FakeClock()
  const known = new KnownRelays(clock, self, { max: 4 })
  const take = async (bringer: Bringer): Promise<[string, PeerName]> => {
    const { key, name, address } = await newRelay()
    const message = await sealRelayRecord(key, name, { addresses: [address], now: clock.now() })
    return [await known.take(message, name, bringer), name]
  }
  const loud = { kind: 'stranger', group: 'loud' } as const
  for (let i = 0; i < 4; i++) expect((await take(loud))[0]).toBe('accept')
  expect((await take(loud))[0]).toBe('ignore')
  const [outcome, quiet] = await take({ kind: 'stranger', group: 'quiet' })
  const [admitted, named] = await take({ kind: 'relay', group: 'named' })
  expect([outcome, admitted]).toEqual(['accept', 'accept'])
  expect(known.list().map(({ name }) => name)).toEqual([named, expect.anything(), expect.anything(), quiet])
})
