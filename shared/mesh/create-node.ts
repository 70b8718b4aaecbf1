import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import { FaultTolerance, type Libp2p, type PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { DIRECT_PATH_DEADLINE_MS } from '../peer/connect-limits.ts'
import {
  MAX_CONNECTIONS,
  MAX_INBOUND_PER_SECOND,
  MAX_PENDING_CONNECTIONS,
  MONITOR_PING_MS,
} from './constants.ts'

export interface NodeComponents {
  readonly key: PrivateKey
  /** What this place has: WebSockets, and WebRTC in a tab. The relayed way comes by itself. */
  readonly transports: NonNullable<Libp2pOptions['transports']>
}

export interface NodeInit {
  /** Multiaddrs to listen on. @default [] */
  readonly listen?: readonly string[]
  /** True where relays may stand on this machine or in the local network. @default false */
  readonly isLocal?: boolean
  /** How often a connection is asked whether it still stands, in ms. @default MONITOR_PING_MS */
  readonly monitorPingMs?: number
}

/**
 * A libp2p node that joins relays: a tab's, or one in Node that is no relay itself. Nobody can reach it until it listens,
 * or holds a reservation (`JoinedRelays.provide`).
 */
export function createNode(
  { key, transports }: NodeComponents,
  { listen = [], isLocal = false, monitorPingMs = MONITOR_PING_MS }: NodeInit = {},
): Promise<Libp2p> {
  return createLibp2p({
    privateKey: key,
    addresses: { listen: [...listen] },
    // With the default concurrency of 1, listening on two relays never ends (docs/traps.md).
    transports: [...transports, circuitRelayTransport({ reservationConcurrency: 8 })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // A relay that is down at the start must not keep the node from starting.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionManager: {
      addressDialTimeout: DIRECT_PATH_DEADLINE_MS,
      maxConnections: MAX_CONNECTIONS,
      // All relayed connections come from the relay's one address: libp2p's 5 a second would refuse the sixth caller.
      inboundConnectionThreshold: MAX_INBOUND_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
    },
    connectionMonitor: { pingInterval: monitorPingMs },
    // The default keeps a public page's visitors from being used to scan their own network; a local one needs it.
    ...(isLocal ? { connectionGater: { denyDialMultiaddr: () => false } } : {}),
    services: { identify: identify(), identifyPush: identifyPush(), ping: ping() },
  })
}
