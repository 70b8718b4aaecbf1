import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { isLocalHost } from '#shared/base/local-host.ts'
import { parseSocketAddress, type SocketAddress } from '../base/socket-address.ts'
import type { RelayConfig } from '../config/options.ts'
import { isFromProxy } from './client-address.ts'
import { parseHostHeader, type SeenHost } from './own-address.ts'

export type Place = SeenHost & {
  /** What a header says otherwise than the configuration. */
  readonly contradiction?: string
}

type AskedBy = Pick<IncomingMessage, 'headers' | 'socket'>

/** Where a page stands that asks: what the operator announced, where headers say otherwise or nothing. */
export class PlaceFinder {
  readonly #config: Pick<RelayConfig, 'announce' | 'trustProxy'>
  readonly #announced: readonly SocketAddress[]

  constructor(config: Pick<RelayConfig, 'announce' | 'trustProxy'>) {
    this.#config = config
    this.#announced = config.announce.map(parseSocketAddress).filter((address) => address !== undefined)
  }

  /** Undefined when nothing is announced and the request names no host. */
  of(request: AskedBy): Place | undefined {
    const isProxied = isFromProxy(this.#config.trustProxy, request.socket)
    const named =
      (isProxied ? firstOf(request.headers['x-forwarded-host']) : undefined) ?? request.headers.host
    const seen = parseHostHeader(named, this.isSecure(request))
    const [first] = this.#announced
    if (!first) return seen && { ...seen, folder: '/' }
    const same = this.#announced.filter(({ host }) => host.toLowerCase() === seen?.host.toLowerCase())
    const exact = same.find(({ port, isSecure: is }) => port === seen?.port && is === seen.isSecure)
    if (exact) return placeAt(exact)
    const place = placeAt(same[0] ?? first)
    return { ...place, contradiction: contradictionOf(place, seen, named) }
  }

  /** Below which folders the page may be asked for, the longest first; a proxy may leave the folder in the path. */
  get folders(): readonly string[] {
    const folders = new Set(this.#announced.map(({ folder }) => folder).filter((folder) => folder !== '/'))
    return [...folders].sort((a, b) => b.length - a.length)
  }

  get isAnnounced(): boolean {
    return this.#announced.length > 0
  }

  /** Whether the client sees https: this relay's own, or that of a proxy that is believed. */
  isSecure(request: AskedBy): boolean {
    return (
      isSecureSocket(request) ||
      (isFromProxy(this.#config.trustProxy, request.socket) && protoOf(request) === 'https')
    )
  }

  /**
   * Whether no stranger can have pages under that host: it was announced, it is an address, or a name that is sold to
   * nobody (`localhost`, one without a dot, and such as `.local` and `.internal`).
   */
  isOwnName(host: string): boolean {
    const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
    return (
      isIP(bare) !== 0 ||
      isLocalHost(bare) ||
      this.#announced.some((address) => address.host.toLowerCase() === bare)
    )
  }

  /** Whether a script of that origin is the page that this relay serves, under an announced name. */
  isAnnouncedOrigin(origin: string): boolean {
    return this.#announced.some((address) => originOf(address) === origin)
  }
}

function contradictionOf(place: Place, seen: SeenHost | undefined, named: string | undefined): string {
  const asked = seen ? `${seen.isSecure ? 'https' : 'http'}://${seen.host}:${seen.port}` : `"${named ?? ''}"`
  return `a request names ${asked} as its address, which is not what was announced; the page is told ${originOf(place)}${place.folder ?? '/'} all the same`
}

function placeAt({ host, port, isSecure, folder }: SocketAddress): Place {
  return { host, port, isSecure, folder }
}

function originOf({ host, port, isSecure }: Pick<SeenHost, 'host' | 'port' | 'isSecure'>): string {
  const name = host.includes(':') ? `[${host}]` : host
  return new URL(`${isSecure ? 'https' : 'http'}://${name}:${port}`).origin
}

function isSecureSocket({ socket }: AskedBy): boolean {
  return 'encrypted' in socket && socket.encrypted === true
}

function protoOf({ headers }: AskedBy): string | undefined {
  return firstOf(headers['x-forwarded-proto'])
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return [header ?? []].flat().join(',').split(',')[0]?.trim() || undefined
}
