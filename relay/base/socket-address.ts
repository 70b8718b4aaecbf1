import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'

/** A WebSocket address taken apart. */
export interface SocketAddress {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** The peer id at its end, if it has one. */
  readonly peer: string | undefined
}

/** The multiaddr of a WebSocket on a host: a name, an IPv4 address, or an IPv6 address with or without brackets. */
export function socketAddress(host: string, port: number, isSecure: boolean, peer?: string): string {
  const bare = host.replace(/^\[|\]$/g, '')
  const version = isIP(bare)
  const kind = version === 4 ? 'ip4' : version === 6 ? 'ip6' : 'dns'
  return `/${kind}/${bare}/tcp/${port}${isSecure ? '/tls' : ''}/ws${peer === undefined ? '' : `/p2p/${peer}`}`
}

/** Reads a WebSocket multiaddr; undefined for anything else, circuit addresses included. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  try {
    const parts = multiaddr(text).getComponents()
    const names = parts.map(({ name }) => name).join('/')
    const shape = /^(ip4|ip6|dns4|dns6|dns)\/tcp(?:\/(tls))?\/(ws|wss)(?:\/p2p)?$/.exec(
      names.replace('/sni', ''),
    )
    const [host, port] = [parts[0]?.value, Number(parts[1]?.value)]
    if (!shape || host === undefined || !isHost(host) || port === 0) return undefined
    const peer = parts.find(({ name }) => name === 'p2p')?.value
    return { host, port, isSecure: shape[2] === 'tls' || shape[3] === 'wss', peer }
  } catch {
    return undefined
  }
}

/** A host name of letters, digits, dots and hyphens, or an IP address without brackets. */
export function isHost(host: string): boolean {
  return isIP(host) !== 0 || (host.length <= 253 && /^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*\.?$/i.test(host))
}
