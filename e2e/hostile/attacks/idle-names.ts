import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { startLocalNode } from '#shared/testing/local-node.ts'
import type { Attack } from '../attack.ts'
import { dialledFrom, hostileAddress } from '../tools/from-address.ts'

const NAMES = 40
const CHANGE_MS = 250

/**
 * Forty names from one address that join the relay and ask for nothing, and of which every quarter of a second one goes
 * away and comes back under a name that it has just made.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const address = await dialledFrom(relays[0]?.address ?? '', hostileAddress(1))
  const there: Libp2p[] = []
  let keys = 0
  let sockets = 0
  const come = async (): Promise<void> => {
    const node = await startLocalNode()
    keys++
    there.push(node)
    await node.dial(multiaddr(address), { signal }).then(
      () => sockets++,
      () => undefined,
    )
  }
  while (there.length < NAMES && !signal.aborted) await come()
  tell({ keys, sockets, addresses: 1 })
  while (!signal.aborted) {
    await there.shift()?.stop()
    await come()
    tell({ keys, sockets })
    await new Promise((resolve) => setTimeout(resolve, CHANGE_MS))
  }
}
