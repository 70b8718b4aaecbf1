import { multiaddr } from '@multiformats/multiaddr'
import { makePeer } from '#shared/testing/peers.ts'
import { encode } from '#shared/wire/codec.ts'
import { OFFERS_TOPIC } from '../../../relay/node/topics.ts'
import type { AttackTools, GroundAddresses } from '../attack.ts'
import { boast, NOWHERE } from './boast.ts'
import { dialledFrom, hostileAddress } from './from-address.ts'
import { joinGossip } from './gossip-node.ts'

/** Sent at once; the relay hears as many in a moment as it takes at all. */
const BATCH = 100
const PAUSE_MS = 100

/**
 * One connection that tells the first relay of offers of names that it makes up, each of nobody, and goes on: of at most
 * `names` at a time, since an offer lives a minute. It stands once `first` were told.
 */
export async function gossipOffers(
  { relays, model }: GroundAddresses,
  { signal, tell }: AttackTools,
  { names, first }: { readonly names: number; readonly first: number },
): Promise<void> {
  const relay = await dialledFrom(relays[0]?.address ?? '', hostileAddress(1))
  const node = await joinGossip(relay, signal)
  let sockets = 1
  const made: Awaited<ReturnType<typeof makePeer>>[] = []
  let [requests, bytes, next] = [0, 0, 0]
  while (!signal.aborted) {
    if (node.getConnections().length === 0) {
      sockets++
      await node.dial(multiaddr(relay), { signal }).catch(() => undefined) // it was cut
    }
    for (let i = 0; i < BATCH; i++) {
      if (made.length < names) made.push(await makePeer())
      const peer = made[next++ % made.length]
      if (!peer) break
      const signed = await boast(peer.key, model, [`${NOWHERE}/p2p/${peer.name}`])
      const message = encode({ type: 'offer', provider: peer.name, signed })
      await node.services.gossip.publish(OFFERS_TOPIC, message).catch(() => undefined)
      requests++
      bytes += message.length
    }
    if (requests >= first) tell({ keys: made.length + 1, sockets, addresses: 1, requests, bytes })
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
