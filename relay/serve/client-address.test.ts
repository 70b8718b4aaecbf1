import { expect, test } from 'vitest'
import { clientAddressFinder, isFromProxy } from './client-address.ts'
import type { TrustProxy } from '../config/read-values.ts'

function find(trust: TrustProxy, remoteAddress: string, forwarded?: string | string[]) {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded as string }
  return clientAddressFinder(trust)({ headers, socket: { remoteAddress } as never })
}

test('without trust the header is never believed', () => {
  expect(find(0, '203.0.113.7', '1.1.1.1').ip).toBe('203.0.113.7')
  expect(find(['10.0.0.0/8'], '203.0.113.7', '1.1.1.1').ip).toBe('203.0.113.7')
})

test('the rightmost address that no trusted proxy stands for is the client', () => {
  expect(find(['10.0.0.0/8'], '10.0.0.2', '6.6.6.6, 203.0.113.7, 10.0.0.9').ip).toBe('203.0.113.7')
  expect(find(1, '10.0.0.2', '6.6.6.6, 203.0.113.7').ip).toBe('203.0.113.7')
  expect(find(2, '10.0.0.2', '6.6.6.6, 203.0.113.7, 10.0.0.9').ip).toBe('203.0.113.7')
})

test('a forged header of trusted addresses does not reach further than the header goes', () => {
  expect(find(['10.0.0.0/8'], '10.0.0.2', '10.0.0.3').ip).toBe('10.0.0.3')
  expect(find(3, '10.0.0.2', '203.0.113.7').ip).toBe('203.0.113.7')
  expect(find(['10.0.0.0/8'], '10.0.0.2', new Array(10_000).fill('10.1.1.1').join()).ip).toBe('10.1.1.1')
})

test('an absent or unreadable entry leaves the proxy, which is then what is limited', () => {
  for (const header of [undefined, '', 'unknown', '999.1.1.1', '1.2.3.4, junk', '_hidden'])
    expect([header, find(1, '10.0.0.2', header).ip]).toEqual([header, '10.0.0.2'])
})

test('ports, brackets and mapped addresses are unwrapped', () => {
  expect(find(1, '10.0.0.2', '203.0.113.7:4711').ip).toBe('203.0.113.7')
  expect(find(1, '10.0.0.2', '[2001:db8::1]:4711').ip).toBe('2001:db8::1')
  expect(find(0, '::ffff:203.0.113.7').ip).toBe('203.0.113.7')
  expect(find(['fd00::/8'], 'fd00::1', '2001:db8::5').ip).toBe('2001:db8::5')
})

test('IPv6 counts by its /64, however it is written', () => {
  const group = (ip: string): string => find(0, ip).group
  expect(group('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(group('2001:0DB8:0001:0002:ffff::1')).toBe('2001:db8:1:2::/64')
  expect(group('2001:db8::1')).toBe('2001:db8:0:0::/64')
  expect(group('::1')).toBe('0:0:0:0::/64')
  expect(group('203.0.113.7')).toBe('203.0.113.7')
})

test('only a trusted proxy is believed about https', () => {
  expect(isFromProxy(0, { remoteAddress: '10.0.0.2' })).toBe(false)
  expect(isFromProxy(1, { remoteAddress: '10.0.0.2' })).toBe(true)
  expect(isFromProxy(['10.0.0.0/8'], { remoteAddress: '::ffff:10.0.0.2' })).toBe(true)
  expect(isFromProxy(['10.0.0.0/8'], { remoteAddress: '11.0.0.2' })).toBe(false)
})
