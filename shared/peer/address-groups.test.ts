import { describe, expect, it } from 'vitest'
import { addressGroupsOf } from './address-groups.ts'

const groups = (...addresses: string[]): string[] => [...addressGroupsOf({ addresses })]

describe('the networks of a provider', () => {
  it('are the first three bytes of an IPv4 address, the first 48 bits of an IPv6 one', () => {
    expect(groups('/ip4/203.0.113.9/tcp/443/wss', '/ip4/203.0.113.200/tcp/1/ws')).toEqual(['203.0.113'])
    expect(groups('/ip6/2001:db8:7:1::5/tcp/443', '/ip6/2001:0db8:0007:ffff::9/tcp/443')).toHaveLength(1)
    expect(groups('/ip6/2001:db8:8::5/tcp/443')).not.toEqual(groups('/ip6/2001:db8:7::5/tcp/443'))
    expect(groups('/ip6/2a00::5/tcp/443')).toEqual(groups('/ip6/2a00:0:0:1::5/tcp/443'))
  })

  it.each([
    '/ip4/203.0.113.9/tcp/443/wss/p2p/12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9oaaaaaa/p2p-circuit/webrtc',
    '/ip4/127.0.0.1/tcp/4/ws',
    '/ip4/10.1.2.3/tcp/4',
    '/ip4/192.168.0.9/tcp/4',
    '/ip4/172.20.0.9/tcp/4',
    '/ip4/100.64.1.9/tcp/4',
    '/ip6/::1/tcp/4',
    '/ip6/fe80::1/tcp/4',
    '/ip6/fd00::1/tcp/4',
    '/dns4/example.org/tcp/443/wss',
    'nonsense',
  ])('are not known from %s', (address) => {
    expect(groups(address)).toEqual([])
  })

  it('are not those beside the private ranges', () => {
    expect(groups('/ip4/172.32.0.9/tcp/4', '/ip4/100.128.0.1/tcp/4', '/ip4/11.0.0.1/tcp/4')).toHaveLength(3)
  })
})
