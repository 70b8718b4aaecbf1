import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis, SECOND_MS } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Path } from './peer.ts'

/** After this long without a direct path the job goes over the relay, within its byte budget. */
export const DIRECT_PATH_DEADLINE_MS = 8 * SECOND_MS

/** The relayed path needs one round trip through the relay and a Noise handshake. */
const RELAYED_PATH_DEADLINE_MS = 6 * SECOND_MS

/** Opening a stream on a connection that stands is one round trip. */
const STREAM_DEADLINE_MS = 5 * SECOND_MS

export interface ConnectComponents {
  readonly node: Pick<Libp2p, 'dial' | 'getConnections'>
  readonly clock: Clock
}

export interface Connected {
  readonly connection: Connection
  readonly path: Path
}

/** How a connection's bytes travel. A relayed one is limited, or names the circuit in its address. */
export function pathOf({ limits, remoteAddr }: Pick<Connection, 'limits' | 'remoteAddr'>): Path {
  const address = remoteAddr.toString()
  if (address.includes('/webrtc')) return 'webrtc'
  return limits != null || address.includes('/p2p-circuit') ? 'relayed' : 'websocket'
}

/**
 * A connection to a provider: one that stands, else a direct one within {@link DIRECT_PATH_DEADLINE_MS}, else one over
 * its relay.
 *
 * @throws InfernetError `mesh.unreachable`, or the signal's reason.
 */
export async function connect(
  { node, clock }: ConnectComponents,
  provider: PeerName,
  addresses: readonly string[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Connected> {
  const standing = openConnections(node, provider)
  const direct = standing.find((connection) => pathOf(connection) !== 'relayed')
  if (direct) return { connection: direct, path: pathOf(direct) }
  const targets = readAddresses(provider, addresses)
  const late = (): Error => new InfernetError('mesh.no-direct-path')
  try {
    if (targets.direct.length === 0) throw new InfernetError('mesh.no-direct-path')
    const connection = await withDeadline(
      clock,
      millis(DIRECT_PATH_DEADLINE_MS),
      late,
      (own) => node.dial(targets.direct, { signal: own }),
      { signal },
    )
    if (pathOf(connection) !== 'relayed') return { connection, path: pathOf(connection) }
  } catch {
    signal?.throwIfAborted()
  }
  return connectRelayed({ node, clock }, standing, targets.relayed, signal)
}

/**
 * Opens a protocol's stream on a connection.
 *
 * @throws InfernetError `mesh.unreachable` when the other side does not speak it or does not answer.
 */
export async function openStream(
  { clock }: Pick<ConnectComponents, 'clock'>,
  connection: Connection,
  protocol: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Stream> {
  const late = (): Error => new InfernetError('mesh.unreachable')
  try {
    return await withDeadline(
      clock,
      millis(STREAM_DEADLINE_MS),
      late,
      // A relayed connection is limited, and libp2p refuses streams on it unless asked so.
      (own) => connection.newStream(protocol, { signal: own, runOnLimitedConnection: true }),
      { signal },
    )
  } catch (thrown) {
    signal?.throwIfAborted()
    throw InfernetError.from(thrown, 'mesh.unreachable')
  }
}

async function connectRelayed(
  { node, clock }: ConnectComponents,
  standing: readonly Connection[],
  relayed: Multiaddr[],
  signal: AbortSignal | undefined,
): Promise<Connected> {
  const known = standing.find((connection) => connection.status === 'open')
  if (known) return { connection: known, path: pathOf(known) }
  if (relayed.length === 0) throw new InfernetError('mesh.unreachable')
  const late = (): Error => new InfernetError('mesh.unreachable')
  try {
    const connection = await withDeadline(
      clock,
      millis(RELAYED_PATH_DEADLINE_MS),
      late,
      (own) => node.dial(relayed, { signal: own }),
      { signal },
    )
    return { connection, path: pathOf(connection) }
  } catch (thrown) {
    signal?.throwIfAborted()
    throw InfernetError.from(thrown, 'mesh.unreachable')
  }
}

function openConnections(node: ConnectComponents['node'], provider: PeerName): Connection[] {
  return node.getConnections(peerIdFromString(provider)).filter(({ status }) => status === 'open')
}

/** Sorts a stranger's addresses by how they reach it. What does not parse, or names someone else, is dropped. */
function readAddresses(
  provider: PeerName,
  addresses: readonly string[],
): { direct: Multiaddr[]; relayed: Multiaddr[] } {
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
