import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PeerName } from '../base/ids.ts'

/** The addresses under which a provider may be dialled, by how its answer would travel. */
export interface DialAddresses {
  readonly direct: readonly Multiaddr[]
  readonly relayed: readonly Multiaddr[]
}

/** What keeps this peer's network address from the providers that it asks. */
export interface Hiding {
  /** Full addresses of the relays that this peer keeps anyway: they know its address already. */
  readonly relays: () => readonly string[]
  /** True where the node's WebRTC runs through a TURN server alone; without one it has no way to connect. */
  readonly hasTurn: boolean
}

/** Sorts a stranger's addresses by how they reach it. What does not parse, or names someone else, is dropped. */
export function dialAddressesOf(provider: PeerName, addresses: readonly string[]): DialAddresses {
  const direct: Multiaddr[] = []
  const relayed: Multiaddr[] = []
  for (const text of addresses) {
    if (!text.endsWith(`/p2p/${provider}`)) continue
    try {
      const address = multiaddr(text)
      const isRelayed = text.includes('/p2p-circuit') && !text.includes('/webrtc/')
      ;(isRelayed ? relayed : direct).push(address)
    } catch {
      // a stranger's text: not an address
    }
  }
  return { direct, relayed }
}

/**
 * The ways that do not show the provider who asks: through relays that are kept anyway, or from there through TURN.
 *
 * A stranger's address is never dialled, not even one that runs through a relay: the host in it may be the provider's
 * own, and a name lookup tells as much. What it says is used only to learn which relay it can be found at; the address
 * itself is put together from that relay's as it was given to us. A provider that is such a relay knows us already:
 * there is no way to it.
 */
export function hiddenDialAddresses(
  provider: PeerName,
  addresses: readonly string[],
  { relays, hasTurn }: Hiding,
): DialAddresses {
  const kept = relays().map((address) => ({ address, name: /\/p2p\/([^/]+)$/.exec(address)?.[1] }))
  if (kept.some(({ name }) => name === provider)) return { direct: [], relayed: [] }
  const own = addresses.filter((address) => address.endsWith(`/p2p/${provider}`))
  const through = (way: string): Multiaddr[] =>
    kept
      .filter(({ name }) => name && own.some((text) => text.includes(`/p2p/${name}${way}/p2p/`)))
      .map(({ address }) => multiaddr(`${address}${way}/p2p/${provider}`))
  return {
    direct: hasTurn ? through('/p2p-circuit/webrtc') : [],
    relayed: through('/p2p-circuit'),
  }
}
