import { expect, test } from 'vitest'
import { otherRelaysFor, relaysFor } from './network-info.ts'
import { addressSeenAs, guessAddresses, parseHostHeader } from './own-address.ts'
import { epochMillis } from '#shared/base/units.ts'
import { peerName } from '#shared/base/ids.ts'

const PEER = '12D3KooWLRPPSUtzVqn2yQvXjGcDJyLmbP2sDfjqgWVbhPwbbSVZ'
const page = (host: string, port = 443, isSecure = true) => ({ host, port, isSecure })

test.each([
  ['relay.example', true, page('relay.example')],
  ['relay.example:8443', true, page('relay.example', 8443)],
  ['192.168.1.5:8080', false, page('192.168.1.5', 8080, false)],
  ['[2001:db8::1]:8080', false, page('2001:db8::1', 8080, false)],
  ['localhost', false, page('localhost', 80, false)],
] as const)('reads the host %s', (header, isSecure, expected) => {
  expect(parseHostHeader(header, isSecure)).toEqual(expected)
})

test.each([
  undefined,
  '',
  'a b',
  'a/b',
  'a.example:0',
  'a.example:99999',
  'user@a.example',
  '-a',
  'a..b',
  '[::1',
  '::1',
  'x'.repeat(300),
  'a%0d',
])('refuses the host %j', (header) => {
  expect(parseHostHeader(header, false)).toBeUndefined()
})

test('a page gets the relay under the name it was opened with', () => {
  expect(addressSeenAs(page('relay.example'), PEER)).toBe(`/dns/relay.example/tcp/443/tls/ws/p2p/${PEER}`)
  expect(addressSeenAs(page('192.168.1.5', 8080, false), PEER)).toBe(
    `/ip4/192.168.1.5/tcp/8080/ws/p2p/${PEER}`,
  )
  expect(addressSeenAs(page('2001:db8::1', 8080, false), PEER)).toBe(
    `/ip6/2001:db8::1/tcp/8080/ws/p2p/${PEER}`,
  )
  expect(addressSeenAs(page('localhost', 8080, false), PEER)).toBe(`/ip4/127.0.0.1/tcp/8080/ws/p2p/${PEER}`)
})

test('an announced address wins over the guess, whatever a proxy makes of the headers', () => {
  const announced = [`/dns/relay.example/tcp/443/tls/ws/p2p/${PEER}`]
  expect(relaysFor(page('relay.example', 80, false), PEER, announced)).toEqual(announced)
  for (const host of ['10.0.0.5', '127.0.0.1', 'alias.example'])
    expect(relaysFor(page(host, 8080, false), PEER, announced)).toEqual(announced)
  const plain = [`/dns/relay.example/tcp/80/ws/p2p/${PEER}`]
  expect(relaysFor(page('relay.example'), PEER, plain), 'a page from https cannot dial ws').toEqual([
    `/dns/relay.example/tcp/443/tls/ws/p2p/${PEER}`,
  ])
})

test('a page from https is never sent to ws, a page from afar never into a private network', () => {
  const relay = (...addresses: string[]) => ({ name: peerName(PEER), addresses, expiresAt: epochMillis(0) })
  const secure = '/dns/b.example/tcp/443/tls/ws'
  const plain = '/dns/c.example/tcp/80/ws'
  const local = '/ip4/192.168.1.9/tcp/8080/ws'
  const relays = [relay(plain, secure), relay(plain), relay(local)]
  expect(otherRelaysFor(page('a.example'), relays)).toEqual([secure])
  expect(otherRelaysFor(page('a.example', 80, false), relays)).toEqual([plain, plain])
  expect(otherRelaysFor(page('192.168.1.5', 8080, false), relays)).toEqual([plain, plain, local])
})

test('with nothing configured the bound address is announced, for all interfaces a few of them', () => {
  expect(guessAddresses('127.0.0.1', 8080, false)).toEqual(['/ip4/127.0.0.1/tcp/8080/ws'])
  expect(guessAddresses('localhost', 8080, false)).toEqual(['/ip4/127.0.0.1/tcp/8080/ws'])
  expect(guessAddresses('relay.example', 443, true)).toEqual(['/dns/relay.example/tcp/443/tls/ws'])
  const everywhere = guessAddresses('0.0.0.0', 8080, false)
  expect(everywhere[0]).toBe('/ip4/127.0.0.1/tcp/8080/ws')
  expect(everywhere.length).toBeLessThanOrEqual(3)
})
