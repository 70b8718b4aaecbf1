import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createNode } from '#shared/mesh/create-node.ts'
import { MAX_DATA_CHANNEL_BUFFER_BYTES, MAX_DATA_CHANNEL_MESSAGE_BYTES } from './constants.ts'

export interface TabNodeInit {
  readonly key: PrivateKey
  readonly iceServers: readonly RTCIceServer[]
  /** WebRTC through a TURN server alone, whoever dials: the other side learns the server's address and not ours. */
  readonly hidesAddress: boolean
  /** True where the page itself comes from this machine or the local network: then its relays are there, too. */
  readonly isLocalPage: boolean
}

/**
 * A libp2p node of this tab. It listens for WebRTC but holds no reservation yet, so nobody can reach it until it provides.
 *
 * `@libp2p/webrtc` is patched (patches/): unpatched, one dial in seven stalls for six seconds.
 */
export function createTabNode({ key, iceServers, hidesAddress, isLocalPage }: TabNodeInit): Promise<Libp2p> {
  const channels = webRTC({
    rtcConfiguration: {
      iceServers: [...iceServers],
      ...(hidesAddress ? { iceTransportPolicy: 'relay' } : {}),
    },
    dataChannel: {
      maxMessageSize: MAX_DATA_CHANNEL_MESSAGE_BYTES,
      maxBufferedAmount: MAX_DATA_CHANNEL_BUFFER_BYTES,
    },
  })
  return createNode(
    { key, transports: [webSockets(), channels] },
    { listen: ['/webrtc'], isLocal: isLocalPage },
  )
}
