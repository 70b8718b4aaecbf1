import { expect, it } from 'vitest'
import { ourPage, pageOf, relayAddressOf, underPage } from './address.ts'

const here = {
  href: 'https://inf.example/provide?lend=1',
  origin: 'https://inf.example',
  pathname: '/provide',
} as Location

it('knows its pages and shows the first for any other path', () => {
  expect(['/', '/provide', '/provide/', '/models', '/network', '/wallet', '/elsewhere'].map(pageOf)).toEqual([
    '/',
    '/provide',
    '/provide',
    '/models',
    '/network',
    '/wallet',
    '/',
  ])
})

it('leaves other sites, files and jumps within the page to the browser', () => {
  expect(ourPage('/network', here)?.pathname).toBe('/network')
  expect(ourPage('https://other.example/network', here)).toBeUndefined()
  expect(ourPage('/manifest.webmanifest', here)).toBeUndefined()
  expect(ourPage('#main', here)).toBeUndefined()
})

it('works below a folder that a proxy put it into', () => {
  expect(['/inf/', '/inf/provide', '/a/b/wallet', '/inf/elsewhere'].map(pageOf)).toEqual([
    '/',
    '/provide',
    '/wallet',
    '/',
  ])
  const below = {
    href: 'https://a.example/inf/provide',
    origin: 'https://a.example',
    pathname: '/inf/provide',
  } as Location
  expect(ourPage('./network', below)?.pathname).toBe('/inf/network')
  expect(ourPage('./', below)?.pathname).toBe('/inf/')
  expect(ourPage('/network', below), 'the pages of somebody else').toBeUndefined()
  expect(underPage('/rpc', below.href)).toBe('https://a.example/inf/rpc')
  expect(underPage('/rpc', here.href)).toBe('https://inf.example/rpc')
})

it.each([
  ['https://relay.example/', '/dns/relay.example/tcp/443/tls/ws'],
  ['https://relay.example:8443/inf/provide?x=/', '/dns/relay.example/tcp/8443/tls/ws/http-path/inf%2Frelay'],
  ['http://192.168.1.5:8080/wallet', '/ip4/192.168.1.5/tcp/8080/ws'],
  ['http://[2001:db8::1]/', '/ip6/2001:db8::1/tcp/80/ws'],
  ['http://localhost:4630/', '/ip4/127.0.0.1/tcp/4630/ws'],
  ['https://localhost:4630/', '/dns/localhost/tcp/4630/tls/ws'],
])('a page at %s finds its relay at %s', (page, address) => {
  expect(relayAddressOf(page, '12D3KooW')).toBe(`${address}/p2p/12D3KooW`)
})
