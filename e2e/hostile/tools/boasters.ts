import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { peerName } from '#shared/base/ids.ts'
import { listenOn } from '#shared/mesh/reservations.ts'
import { SCHEDULE_PROTOCOL } from '#shared/schedule/constants.ts'
import { DirectoryClient } from '#shared/schedule/directory-client.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import type { AttackTools, GroundAddresses } from '../attack.ts'
import { boast } from './boast.ts'
import { dialledFrom, hostileAddress } from './from-address.ts'

/** Far more often than honest ones: whatever is refused or lost is there again before the next question. */
const RENEW_MS = 2000

export interface Boasting {
  /** How many names. */
  readonly names: number
  /** Whether each takes a place at the relay, so that a dial gets as far as the attacker, which answers nothing. */
  readonly hasPlaces: boolean
  readonly addressesOf: (name: string, relay: string) => readonly string[]
}

/** Names of one address that stay connected to the first relay, and go on offering there what they do not have. */
export async function boastAtRelay(
  { relays, model }: GroundAddresses,
  { signal, tell }: AttackTools,
  { names, hasPlaces, addressesOf }: Boasting,
): Promise<void> {
  const relay = relays[0]?.address ?? ''
  const address = await dialledFrom(relay, hostileAddress(1))
  const boasters: { node: Libp2p; key: PrivateKey; directory: DirectoryClient }[] = []
  let requests = 0
  while (boasters.length < names && !signal.aborted) {
    const key = await generateKeyPair('Ed25519')
    const node = await startLocalNode({ key })
    const connection = await node.dial(multiaddr(address), { signal })
    if (hasPlaces) await listenOn(node, `${address}/p2p-circuit`).catch(() => undefined)
    const directory = new DirectoryClient(peerName(connection.remotePeer.toString()), {
      clock: realClock,
      openStream: (options) => node.dialProtocol(connection.remotePeer, SCHEDULE_PROTOCOL, options),
    })
    boasters.push({ node, key, directory })
  }
  while (!signal.aborted) {
    await Promise.all(
      boasters.map(async ({ node, key, directory }) => {
        requests++
        const offer = await boast(key, model, addressesOf(node.peerId.toString(), relay))
        await directory.announce(offer, { signal }).catch(() => undefined)
      }),
    )
    tell({ keys: names, sockets: names, addresses: 1, requests })
    await new Promise((resolve) => setTimeout(resolve, RENEW_MS))
  }
}
