import type { IceServers } from '../config/read-values.ts'
import type { KnownRelay } from '../gossip/known-relays.ts'
import { isLocalHost, parseSocketAddress } from '../socket-address.ts'
import { addressSeenAs, type SeenHost } from './own-address.ts'

/** What a page needs to join the network: `/network.json`. */
export interface NetworkInfo {
  readonly version: string
  readonly peerId: string
  /** This relay: under the name the page was opened with, then as announced. Each ends in the peer id. */
  readonly relays: readonly string[]
  /** Other relays that this one is connected to, one address each, so that a tab can keep two. */
  readonly otherRelays: readonly string[]
  readonly iceServers: IceServers
}

/** `/health`. */
export interface HealthInfo {
  readonly status: 'ok' | 'starting' | 'stopping'
  readonly version: string
  readonly peerId: string
  readonly uptimeSeconds: number
  readonly peers: number
  readonly reservations: number
  readonly offers: number
  /** Other relays with a connection. */
  readonly relays: number
}

/** A tab keeps two relays; the rest is choice. */
const MAX_OTHER_RELAYS = 8

/** This relay's addresses for that page, best first. */
export function relaysFor(seen: SeenHost, peer: string, announced: readonly string[]): string[] {
  const usable = announced.filter((address) => isUsableFrom(seen, address))
  // Behind a proxy that says nothing of https, the announced address for that name is right and the seen one is not.
  const isAnnounced = usable.some((address) => parseSocketAddress(address)?.host === seen.host)
  return [...new Set([...(isAnnounced ? [] : [addressSeenAs(seen, peer)]), ...usable])]
}

/** One address of each other relay that a page opened at `seen` can dial. */
export function otherRelaysFor(seen: SeenHost, relays: readonly KnownRelay[]): string[] {
  return relays
    .map(({ addresses }) => addresses.find((address) => isUsableFrom(seen, address)))
    .filter((address) => address !== undefined)
    .slice(0, MAX_OTHER_RELAYS)
}

/** A page from https may open no `ws:`, except to its own machine; a page from afar reaches nothing in a private network. */
function isUsableFrom({ host, isSecure }: SeenHost, address: string): boolean {
  const target = parseSocketAddress(address)
  if (!target) return false
  const isLocal = isLocalHost(target.host)
  return (target.isSecure || !isSecure) && (!isLocal || isLocalHost(host))
}
