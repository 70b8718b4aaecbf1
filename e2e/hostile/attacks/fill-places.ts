import type { Libp2p } from '@libp2p/interface'
import { peerName } from '#shared/base/ids.ts'
import { hasReservation, listenOn } from '#shared/mesh/reservations.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { CONNECTIONS_PER_ADDRESS } from '../../../relay/base/limits.ts'
import type { Attack, GroundSetting } from '../attack.ts'
import { dialledFrom, hostileBlock } from '../tools/from-address.ts'
import { tellUntilEnd } from '../tools/tell-until-end.ts'

/** Each in a block of its own: so they count for most. */
const ADDRESSES = 4
const PLACES = ADDRESSES * CONNECTIONS_PER_ADDRESS
/** For a new connection of an address at the relay's rate. */
const AGAIN_MS = 125
/** After which whatever it could not take has been refused many times. */
const STAND_MS = 90_000

/**
 * All places of the relay are what these addresses may take together; all 1,024 of a relay without a flag take sixteen
 * of them, in the same way. Whom this keeps out is a provider that comes, and whoever would ask it.
 */
export const setting: GroundSetting = {
  providers: 1,
  reach: 'place',
  areProvidersNew: true,
  isEachNew: true,
  relayArgs: ['--max-reservations', String(PLACES)],
}

/**
 * Four addresses that take as many of the relay's places as they may, each under a name that was just made, keep them,
 * and come back under another one whenever one is cut or refused.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const relay = relays[0]?.address ?? ''
  const name = peerName(relay.split('/p2p/').at(-1) ?? '')
  let [keys, places] = [0, 0]
  const come = async (address: string): Promise<Libp2p | undefined> => {
    const node = await startLocalNode()
    keys++
    await listenOn(node, `${address}/p2p-circuit`).catch(() => undefined) // it is refused
    if (hasReservation(node, name)) return node
    await node.stop()
    return undefined
  }
  const held = new Map<string, Libp2p[]>()
  const hold = async (address: string): Promise<void> => {
    while (!signal.aborted) {
      const there = (held.get(address) ?? []).filter((node) => node.getConnections().length > 0)
      for (const node of held.get(address) ?? []) if (!there.includes(node)) void node.stop()
      const came = there.length < CONNECTIONS_PER_ADDRESS ? await come(address) : undefined
      if (came) there.push(came)
      held.set(address, there)
      places = [...held.values()].flat().length
      if (!came) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
  const addresses = Array.from({ length: ADDRESSES }, (_, n) => dialledFrom(relay, hostileBlock(n + 1)))
  const holding = (await Promise.all(addresses)).map(hold)
  const end = performance.now() + STAND_MS
  // One is the honest provider's.
  while (places < PLACES - 1 && performance.now() < end && !signal.aborted)
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  await tellUntilEnd(signal, () => tell({ keys, sockets: keys, addresses: ADDRESSES, places }))
  await Promise.all(holding)
}
