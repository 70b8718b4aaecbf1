import { isPrivateIp } from '@libp2p/utils'

/**
 * True where only the same machine or network gets to: loopback, private ranges, and names that mean them. A page that
 * was opened at such a host finds its relays there, too, and nobody else does.
 *
 * @param host a name or an IP address; an IPv6 address with or without brackets
 */
export function isLocalHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  const isLocalName = /(^|\.)(localhost|local|internal|lan|home\.arpa)\.?$/i.test(bare) || !bare.includes('.')
  return isPrivateIp(bare) ?? isLocalName
}
