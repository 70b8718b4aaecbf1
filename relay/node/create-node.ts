import { circuitRelayServer, type CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping, type Ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { RelayConfig } from '../config/options.ts'
import { GOSSIP_TOPICS } from './topics.ts'
import {
  GOSSIP_MESH,
  HOP_TIMEOUT_MS,
  LIBP2P_CONNECTIONS_PER_SECOND,
  LIBP2P_PENDING_CONNECTIONS,
  MAX_GOSSIP_RPC_BYTES,
  MAX_INBOUND_HOP_STREAMS,
  MAX_OUTBOUND_STOP_STREAMS,
  MAX_STREAM_BUFFER_BYTES,
  MAX_STREAMS_PER_CONNECTION,
  MAX_WEBSOCKET_UNSENT_BYTES,
  OUTBOUND_CONNECTIONS,
  RESERVATION_TTL_MS,
  STREAM_WINDOW_BYTES,
  UPGRADE_TIMEOUT_MS,
} from '../base/limits.ts'
import { libp2pLogger, type Logger } from '../observe/log.ts'
import { streamWatcher } from './libp2p-metrics.ts'
import type { RelayedTraffic } from './relayed-traffic.ts'

export type RelayServices = {
  readonly identify: Identify
  readonly ping: Ping
  readonly relay: CircuitRelayService
  readonly gossip: GossipSub
}
export type RelayNode = Libp2p<RelayServices>

export interface NodeComponents {
  readonly privateKey: PrivateKey
  readonly log: Logger
  readonly traffic: RelayedTraffic
  /** True for loopback ports that our own HTTP server connects from: nobody else may go around its limits. */
  readonly isPiped: (port: number) => boolean
  /** False for a peer that the operator turns away. */
  readonly mayPeer: (peer: string) => boolean
  /** True for a peer that gets no place now. */
  readonly refusesReservation: (peer: PeerId) => boolean
}

/** The relay's libp2p node, not yet started: WebSockets on a free loopback port, every limit set on purpose. */
export async function createNode(
  { privateKey, log, traffic, isPiped, mayPeer, refusesReservation }: NodeComponents,
  config: RelayConfig,
  announce: readonly string[],
): Promise<RelayNode> {
  return createLibp2p<RelayServices>({
    start: false,
    privateKey,
    logger: libp2pLogger(log),
    metrics: () => streamWatcher((stream) => traffic.track(stream)),
    nodeInfo: { name: 'infernet', version: '1' },
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'], announce: [...announce] },
    transports: [
      webSockets({
        maxBufferedAmount: MAX_WEBSOCKET_UNSENT_BYTES,
        http: { headersTimeout: UPGRADE_TIMEOUT_MS, requestTimeout: UPGRADE_TIMEOUT_MS },
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        enableKeepAlive: false, // clients keep alive; see SILENT_CLIENT_MS
        maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
        maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
        streamOptions: {
          initialStreamWindowSize: STREAM_WINDOW_BYTES,
          maxStreamWindowSize: STREAM_WINDOW_BYTES,
          maxReadBufferLength: MAX_STREAM_BUFFER_BYTES,
        },
      }),
    ],
    connectionManager: {
      maxConnections: config.maxConnections + OUTBOUND_CONNECTIONS,
      inboundConnectionThreshold: LIBP2P_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: LIBP2P_PENDING_CONNECTIONS,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS,
      reconnectRetries: 0, // does not bring a relay back (measured); RelayLinks does
    },
    // Both ends ping each connection every 10 s by default, which was 19 % of a core at 500 tabs; see SILENT_CLIENT_MS.
    connectionMonitor: { enabled: false },
    connectionGater: {
      denyInboundConnection: ({ remoteAddr }) => !isPiped(Number(remoteAddr.getComponents()[1]?.value)),
      denyInboundEncryptedConnection: (peer: PeerId) => !mayPeer(peer.toString()),
      denyOutboundEncryptedConnection: (peer: PeerId) => !mayPeer(peer.toString()),
      denyInboundRelayReservation: refusesReservation,
      denyOutboundRelayedConnection: (source: PeerId, destination: PeerId) =>
        traffic.denies(source, destination),
    },
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({
        hopTimeout: HOP_TIMEOUT_MS,
        maxInboundHopStreams: MAX_INBOUND_HOP_STREAMS,
        maxOutboundStopStreams: MAX_OUTBOUND_STOP_STREAMS,
        reservations: {
          maxReservations: config.maxReservations,
          reservationTtl: RESERVATION_TTL_MS,
          defaultDataLimit: BigInt(config.relayDataLimitBytes),
          defaultDurationLimit: config.relayDurationMs,
        },
      }),
      gossip: gossipsub({
        ...GOSSIP_MESH,
        allowPublishToZeroTopicPeers: true, // the first relay is alone
        globalSignaturePolicy: 'StrictSign',
        allowedTopics: [...GOSSIP_TOPICS],
        maxInboundDataLength: MAX_GOSSIP_RPC_BYTES,
        // Everybody comes from 127.0.0.1: with this weight more than ten relays would be graylisted in silence.
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  })
}
