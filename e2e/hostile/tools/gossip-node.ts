import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { OFFERS_TOPIC, RELAYS_TOPIC } from '../../../relay/node/topics.ts'

export type GossipNode = Libp2p<{ readonly gossip: GossipSub }>

/** One connection that a relay takes for another relay: it listens to what they tell one another, and tells as well. */
export async function joinGossip(relay: string, signal: AbortSignal): Promise<GossipNode> {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), gossip: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  node.services.gossip.subscribe(OFFERS_TOPIC)
  node.services.gossip.subscribe(RELAYS_TOPIC)
  const { remotePeer } = await node.dial(multiaddr(relay), { signal })
  while (!node.services.gossip.getSubscribers(OFFERS_TOPIC).some((peer) => peer.equals(remotePeer))) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return node
}
