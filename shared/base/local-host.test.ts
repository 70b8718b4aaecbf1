import { expect, it } from 'vitest'
import { isLocalHost } from './local-host.ts'

it.each([
  'localhost',
  'LOCALHOST.',
  'app.localhost',
  'raspberry',
  'raspberry.local',
  'relay.lan',
  'relay.home.arpa',
  'relay.internal',
  '127.0.0.1',
  '127.8.8.8',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.7',
  '169.254.1.1',
  '100.64.0.1',
  '::1',
  '[::1]',
  'fd00::1',
  '[fe80::1]',
  '::ffff:192.168.0.7',
])('%s is of this machine or network, for the address bar of a page and the address of a relay', (host) => {
  expect(isLocalHost(host)).toBe(true)
})

it.each([
  'relay.example',
  'localhost.example',
  // Names that begin like a private address belong to whoever registered them.
  '127.example.org',
  '10.example.org',
  '192.168.example.org',
  'localhosts.example',
  '172.15.0.1',
  '172.32.0.1',
  '11.0.0.1',
  '8.8.8.8',
  '2606:4700::1111',
  '[2606:4700::1111]',
  '::ffff:8.8.8.8',
])('%s is not', (host) => {
  expect(isLocalHost(host)).toBe(false)
})
