import { networkInterfaces } from 'node:os'
import { isHost, socketAddress } from '../base/socket-address.ts'

/** Where a page was opened, from the `Host` header, or undefined when the header is no host. */
export interface SeenHost {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** Where a proxy puts the relay, with a slash at both ends. @default '/' */
  readonly folder?: string
}

/** Reads a `Host` header: a name or address, and the scheme's port when it names none. */
export function parseHostHeader(header: string | undefined, isSecure: boolean): SeenHost | undefined {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/\s]+)(?::(\d{1,5}))?$/.exec(header ?? '')
  const host = parts?.[1]?.replace(/^\[|\]$/g, '')
  const port = parts?.[2] === undefined ? (isSecure ? 443 : 80) : Number(parts[2])
  return host !== undefined && isHost(host) && port > 0 && port < 65536 ? { host, port, isSecure } : undefined
}

/**
 * The relay's address for a page that was opened at `seen`: the same name and port, so that it works on a domain, in a
 * local network and through a port that is forwarded, with nothing configured.
 */
export function addressSeenAs({ host, port, isSecure, folder }: SeenHost, peer: string): string {
  // Plain `localhost` may mean ::1 first, where a relay on 0.0.0.0 does not listen; a certificate names it, though.
  const literal = host.toLowerCase() === 'localhost' && !isSecure ? '127.0.0.1' : host.toLowerCase()
  return socketAddress({ host: literal, port, isSecure, peer, folder })
}

/** More than this only cost each tab another dial. */
const MAX_GUESSED = 3

/** Addresses to announce when none are configured: what the port is bound to, loopback first. */
export function guessAddresses(host: string, port: number, isSecure: boolean): string[] {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  if (!isEverywhere)
    return [socketAddress({ host: host === 'localhost' ? '127.0.0.1' : host, port, isSecure })]
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
  return ['127.0.0.1', ...outside]
    .slice(0, MAX_GUESSED)
    .map((address) => socketAddress({ host: address, port, isSecure }))
}
