import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import { FaultTolerance, type Libp2p, type PrivateKey } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { DIRECT_PATH_DEADLINE_MS } from '#shared/peer/connect.ts'
import {
  MAX_CONNECTIONS,
  MAX_DATA_CHANNEL_BUFFER_BYTES,
  MAX_DATA_CHANNEL_MESSAGE_BYTES,
  MAX_INBOUND_PER_SECOND,
  MAX_PENDING_CONNECTIONS,
  MONITOR_PING_MS,
} from './constants.ts'

export interface NodeInit {
  readonly key: PrivateKey
  readonly iceServers: readonly RTCIceServer[]
  /** WebRTC through a TURN server alone, whoever dials: the other side learns the server's address and not ours. */
  readonly hidesAddress: boolean
  /** True where the page itself comes from this machine or the local network: then its relays are there, too. */
  readonly isLocalPage: boolean
}

/**
 * A libp2p node of this tab. It listens for WebRTC but holds no reservation yet, so nobody can reach it until it lends.
 *
 * `@libp2p/webrtc` is patched (patches/): unpatched, one dial in seven stalls for six seconds.
 */
export function createNode({ key, iceServers, hidesAddress, isLocalPage }: NodeInit): Promise<Libp2p> {
  return createLibp2p({
    privateKey: key,
    addresses: { listen: ['/webrtc'] },
    transports: [
      webSockets(),
      webRTC({
        rtcConfiguration: {
          iceServers: [...iceServers],
          ...(hidesAddress ? { iceTransportPolicy: 'relay' } : {}),
        },
        dataChannel: {
          maxMessageSize: MAX_DATA_CHANNEL_MESSAGE_BYTES,
          maxBufferedAmount: MAX_DATA_CHANNEL_BUFFER_BYTES,
        },
      }),
      // With the default concurrency of 1, listening on two relays never ends (FACTS on the mesh, bug 2).
      circuitRelayTransport({ reservationConcurrency: 8 }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // A relay that is down at the start must not keep the tab from starting.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionManager: {
      addressDialTimeout: DIRECT_PATH_DEADLINE_MS,
      maxConnections: MAX_CONNECTIONS,
      // All relayed connections come from the relay's one address: libp2p's 5 a second would refuse the sixth caller.
      inboundConnectionThreshold: MAX_INBOUND_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
    },
    connectionMonitor: { pingInterval: MONITOR_PING_MS },
    // The default keeps a public page's visitors from being used to scan their own network; a local page needs it.
    ...(isLocalPage ? { connectionGater: { denyDialMultiaddr: () => false } } : {}),
    services: { identify: identify(), identifyPush: identifyPush(), ping: ping() },
  })
}
