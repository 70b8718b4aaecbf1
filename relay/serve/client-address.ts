import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { TrustProxy } from '../config/read-values.ts'

/** Where a request came from, after trusted proxies were looked through. */
export interface ClientAddress {
  /** The address in its plain form, IPv4-mapped IPv6 unwrapped. */
  readonly ip: string
  /** What limits count by: the address, or for IPv6 its /64, which is what one household is given. */
  readonly group: string
}

export type FindClientAddress = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => ClientAddress

/** More hops than this in the header are a forgery or a loop; the rest is not looked at. */
const MAX_HOPS = 16

/**
 * The rightmost address that no trusted proxy stands for. Everything left of it was written by the client, and is
 * never believed.
 */
export function clientAddressFinder(trust: TrustProxy): FindClientAddress {
  const isTrusted = trustRule(trust)
  return ({ headers, socket }) => {
    let ip = plainIp(socket.remoteAddress ?? '') ?? '0.0.0.0'
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').slice(-MAX_HOPS)
    for (let hop = 0; isTrusted(ip, hop); hop++) {
      const next = plainIp(forwarded.pop() ?? '')
      if (next === undefined) break // absent or unreadable: the proxy itself is all we know
      ip = next
    }
    return { ip, group: groupOf(ip) }
  }
}

/** True when the machine on the other end of the socket is a trusted proxy, so that its other headers count too. */
export function isFromProxy(
  trust: TrustProxy,
  socket: { readonly remoteAddress?: string | undefined },
): boolean {
  return trustRule(trust)(plainIp(socket.remoteAddress ?? '') ?? '0.0.0.0', 0)
}

function trustRule(trust: TrustProxy): (ip: string, hop: number) => boolean {
  if (typeof trust === 'number') return (_ip, hop) => hop < trust
  const networks = new BlockList()
  for (const network of trust) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    networks.addSubnet(
      address,
      prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix),
      family,
    )
  }
  return (ip) => networks.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
}

/** Takes `1.2.3.4`, `1.2.3.4:5678`, `[::1]:5678`, `::1` and `::ffff:1.2.3.4`; undefined for all else. */
function plainIp(text: string): string | undefined {
  const bare = /^\s*(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+|(\S+))\s*$/.exec(text)
  const ip = (bare?.[1] ?? bare?.[2] ?? bare?.[3] ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(ip) === 0 ? undefined : ip
}

function groupOf(ip: string): string {
  if (!isIPv6(ip)) return ip
  const [head = '', tail] = ip.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros =
    tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  const groups = [...left, ...zeros, ...right].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}
