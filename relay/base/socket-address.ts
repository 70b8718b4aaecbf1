import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'

/** A WebSocket address taken apart. */
export interface SocketAddress {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** The peer id at its end, if it has one. */
  readonly peer: string | undefined
  /** Where a proxy puts the relay, with a slash at both ends. */
  readonly folder: string
}

/** Below the folder of the page: one place that a proxy with a path can send on, whatever it does with slashes. */
const SOCKET_PATH = 'relay'

/**
 * The multiaddr of a WebSocket on a host: a name, an IPv4 address, or an IPv6 address with or without brackets. `folder`
 * is where a proxy puts the relay, such as `/infernet/`; at the root it is `/`.
 */
export function socketAddress({ host, port, isSecure, peer, folder = '/' }: NewSocketAddress): string {
  const bare = host.replace(/^\[|\]$/g, '')
  const version = isIP(bare)
  const kind = version === 4 ? 'ip4' : version === 6 ? 'ip6' : 'dns'
  const path = folder === '/' ? '' : `/http-path/${encodeURIComponent(`${folder.slice(1)}${SOCKET_PATH}`)}`
  return `/${kind}/${bare}/tcp/${port}${isSecure ? '/tls' : ''}/ws${path}${peer === undefined ? '' : `/p2p/${peer}`}`
}

export interface NewSocketAddress extends Pick<SocketAddress, 'host' | 'port' | 'isSecure'> {
  readonly peer?: string | undefined
  /** @default '/' */
  readonly folder?: string | undefined
}

/** Reads a WebSocket multiaddr; undefined for anything else, circuit addresses included. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  try {
    const parts = multiaddr(text).getComponents()
    const valueOf = (name: string): string | undefined => parts.find((part) => part.name === name)?.value
    const names = parts.map(({ name }) => name).join('/')
    const shape = /^(ip4|ip6|dns4|dns6|dns)\/tcp(?:\/(tls))?\/(ws|wss)(?:\/http-path)?(?:\/p2p)?$/.exec(
      names.replace('/sni', ''),
    )
    const [host, port] = [parts[0]?.value, Number(parts[1]?.value)]
    if (!shape || host === undefined || !isHost(host) || port === 0) return undefined
    const folder = folderOf(decodeURIComponent(valueOf('http-path') ?? ''))
    const isSecure = shape[2] === 'tls' || shape[3] === 'wss'
    return folder === undefined ? undefined : { host, port, isSecure, peer: valueOf('p2p'), folder }
  } catch {
    return undefined
  }
}

/** The folder of a path, with a slash at both ends; undefined for what no proxy would be told. */
export function folderOf(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.at(-1) === SOCKET_PATH) parts.pop()
  const isPlain = parts.every((part) => /^[\w~.-]+$/.test(part) && !/^\.+$/.test(part))
  const folder = parts.length === 0 ? '/' : `/${parts.join('/')}/`
  return isPlain && folder.length <= MAX_FOLDER ? folder : undefined
}

/** With the name of a host it stays within the bound of an address in a record. */
const MAX_FOLDER = 64

/** A host name of letters, digits, dots and hyphens, or an IP address without brackets. */
export function isHost(host: string): boolean {
  return isIP(host) !== 0 || (host.length <= 253 && /^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*\.?$/i.test(host))
}
