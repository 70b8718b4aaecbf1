import { isLocalHost } from '#shared/base/local-host.ts'
import type { NetworkInfo } from '#shared/mesh/network-info.ts'
import type { KnownRelay } from '../gossip/known-relays.ts'
import { parseSocketAddress } from '../base/socket-address.ts'
import type { ChainHealth, ChainPort } from './chain-port.ts'
import { addressSeenAs, type SeenHost } from './own-address.ts'

/** `/health`. */
export interface HealthInfo {
  /** `maintenance`: what stands goes on, and nobody new is taken. */
  readonly status: 'ok' | 'starting' | 'stopping' | 'maintenance'
  readonly version: string
  readonly peerId: string
  readonly uptimeSeconds: number
  readonly peers: number
  readonly reservations: number
  readonly offers: number
  /** Other relays with a connection. */
  readonly relays: number
  readonly chain?: ChainHealth
  /** Of the page that it serves; see page-hash.ts. The relay's own word: `npm run verify-page` compares the bytes. */
  readonly pageSha256?: string
}

/** A tab keeps two relays; the rest is choice. */
const MAX_OTHER_RELAYS = 8

/**
 * This relay's addresses for that page, best first. What the operator announced is right whatever a proxy makes of the
 * headers. Only where nothing of it can be dialled from there, the address that the page seems to have is a guess.
 */
export function relaysFor(seen: SeenHost, peer: string, announced: readonly string[]): string[] {
  const usable = announced.filter((address) => isUsableFrom(seen, address))
  return usable.length === 0 ? [addressSeenAs(seen, peer)] : usable
}

/** One address of each other relay that a page opened at `seen` can dial. */
export function otherRelaysFor(seen: SeenHost, relays: readonly KnownRelay[]): string[] {
  return relays
    .map(({ addresses }) => addresses.find((address) => isUsableFrom(seen, address)))
    .filter((address) => address !== undefined)
    .slice(0, MAX_OTHER_RELAYS)
}

/** What a page opened at `seen` is told of the chain. */
export function chainInfoFor(
  seen: SeenHost,
  { network, payee, faucet }: ChainPort,
): Pick<NetworkInfo, 'chain' | 'payee' | 'faucet'> {
  const rpcUrls = network.rpcUrls.filter((url) => isReachableFrom(seen, new URL(url)))
  return {
    chain: { ...network, rpcUrls },
    ...(payee === undefined ? {} : { payee }),
    faucet: faucet !== undefined,
  }
}

/** The same rules as for relays, but browsers count http on their own machine as safe. */
function isReachableFrom({ host, isSecure }: SeenHost, { protocol, hostname }: URL): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  const isLoopback = bare === 'localhost' || bare === '::1' || bare.startsWith('127.')
  if (isLoopback) return isLoopbackHost(host)
  return (protocol === 'https:' || !isSecure) && (!isLocalHost(bare) || isLocalHost(host))
}

function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** A page from https may open no `ws:`, except to its own machine; a page from afar reaches nothing in a private network. */
function isUsableFrom({ host, isSecure }: SeenHost, address: string): boolean {
  const target = parseSocketAddress(address)
  if (!target) return false
  const isLocal = isLocalHost(target.host)
  return (target.isSecure || !isSecure) && (!isLocal || isLocalHost(host))
}
