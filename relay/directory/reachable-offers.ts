import type { PeerName } from '#shared/base/ids.ts'
import type { Brought } from '#shared/schedule/directory.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import { parseSocketAddress } from '../base/socket-address.ts'
import type { DialledAddresses } from './dialled-addresses.ts'

export interface ReachComponents {
  /** This relay. */
  readonly name: PeerName
  /** Whether a provider is connected here and has a place, so that others can be introduced to it. */
  readonly hasPlace: (provider: PeerName) => boolean
  readonly isConnected: (provider: PeerName) => boolean
  readonly dialled: Pick<DialledAddresses, 'answers'>
}

/**
 * Whether a relay may list an offer: it lists only those to whom it can send somebody.
 *
 * Who comes itself has a place here and says so in its addresses, or answers at one of them. Who comes by gossip has its
 * place at the relay that published it, and says that, or an address that could be dialled: the relay that published it has
 * tried. An unknown relay may lie about that; so what it says has a small share.
 */
export function reachOf({ name, hasPlace, isConnected, dialled }: ReachComponents) {
  return async (
    { provider, addresses }: Pick<Offer, 'provider' | 'addresses'>,
    { relay, isLocal, bringer }: Brought,
  ): Promise<boolean> => {
    if (provider === name) return true // the one in this process
    if (!isLocal) return relay !== undefined && (provider === relay || mayBeAt(relay, addresses))
    if (hasPlace(provider) && addresses.some((address) => isThrough(name, address))) return true
    // It may go while it is dialled, and then nobody would take its offer out.
    return (await dialled.answers(provider, addresses, bringer?.group ?? provider)) && isConnected(provider)
  }
}

function mayBeAt(relay: PeerName, addresses: readonly string[]): boolean {
  return addresses.some((address) => isThrough(relay, address) || parseSocketAddress(address) !== undefined)
}

function isThrough(relay: PeerName, address: string): boolean {
  return address.includes(`/p2p/${relay}/p2p-circuit`)
}
