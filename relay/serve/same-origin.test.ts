import { expect, test } from 'vitest'
import { PlaceFinder } from './place.ts'
import { posterOf, type Poster } from './same-origin.ts'

const ANNOUNCED = ['/dns/relay.example/tcp/443/wss']

function poster(headers: Record<string, string>, announce: readonly string[] = []): Poster {
  return posterOf({ headers }, new PlaceFinder({ announce: [...announce], trustProxy: 0 }))
}

test('a program that is no browser is let in, and another site is not', () => {
  expect(poster({ host: 'relay.example' })).toBe('ours')
  expect(poster({ host: 'relay.example', origin: 'https://evil.example' })).toBe('other-site')
  expect(poster({ host: 'relay.example', origin: 'null' })).toBe('other-site')
  for (const site of ['cross-site', 'same-site', 'none'])
    expect(poster({ host: 'relay.example', origin: 'https://relay.example', 'sec-fetch-site': site })).toBe(
      'other-site',
    )
})

test('a page under a name that a stranger had resolve to this machine is known by its name', () => {
  for (const announce of [[], ANNOUNCED]) {
    const host = 'evil.example:8080'
    expect(poster({ host, origin: 'http://evil.example:8080' }, announce)).toBe('unknown-name')
    // No browser says this over http; if one did, it would prove nothing.
    const told = { host, origin: 'http://evil.example:8080', 'sec-fetch-site': 'same-origin' }
    expect(poster(told, announce)).toBe('unknown-name')
  }
  expect(poster({ host: 'evil.example', origin: 'https://evil.example' }, ANNOUNCED)).toBe('unknown-name')
})

test('an address, and a name that nobody can buy, are nobody else’s', () => {
  for (const host of ['127.0.0.1:8080', '[::1]:8080', '203.0.113.9', 'localhost:5173', 'box:80', 'box.local'])
    for (const announce of [[], ANNOUNCED])
      expect([host, poster({ host, origin: `http://${host}` }, announce)]).toEqual([host, 'ours'])
})

test('what was announced is ours, whatever a proxy made of Host', () => {
  expect(poster({ host: 'my_relay', origin: 'https://relay.example' }, ANNOUNCED)).toBe('ours')
  expect(poster({ host: 'relay.example:8080', origin: 'http://relay.example:8080' }, ANNOUNCED)).toBe('ours')
})

test('over https the certificate says whose name it is', () => {
  const origin = 'https://relay.example'
  expect(poster({ host: 'relay.example', origin })).toBe('ours')
  expect(poster({ host: 'my_relay', origin, 'sec-fetch-site': 'same-origin' })).toBe('ours')
  const second = { host: 'other.example', origin: 'https://other.example', 'sec-fetch-site': 'same-origin' }
  expect(poster(second, ANNOUNCED)).toBe('ours')
})
