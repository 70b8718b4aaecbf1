import type { Offer } from '../schedule/offer.ts'

/** How addresses begin that no stranger has on the open network: this machine, a house's network, a carrier's. */
const PRIVATE_IPV4 =
  /^(?:0|10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./

/**
 * The networks that a provider's own addresses are in: an IPv4 address counts by its first three bytes, an IPv6 address by
 * its first 48 bits. Empty where nothing is known: a tab names relays only, and an address of a house says nothing.
 */
export function addressGroupsOf({ addresses }: Pick<Offer, 'addresses'>): ReadonlySet<string> {
  const own = addresses.filter((address) => !address.includes('/p2p-circuit'))
  return new Set(own.flatMap((address) => groupOf(address) ?? []))
}

function groupOf(address: string): string | undefined {
  const [, version, host = ''] = /^\/ip([46])\/([^/]+)/.exec(address) ?? []
  if (version === '4') return PRIVATE_IPV4.test(host) ? undefined : host.split('.').slice(0, 3).join('.')
  // Global unicast alone: the rest is of this machine, or of the net that it stands in.
  if (version !== '6' || !/^[23]/.test(host)) return undefined
  const [first, second, third] = host.split('::')[0]?.split(':') ?? []
  return [first, second ?? '0', third ?? '0'].map((part) => Number.parseInt(part ?? '0', 16)).join(':')
}
