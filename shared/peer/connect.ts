import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis, SECOND_MS } from '../base/units.ts'
import { sleep, withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Path } from '../schedule/assignment.ts'
import { isRelayed } from '../wire/is-relayed.ts'
import { DIRECT_PATH_DEADLINE_MS, RELAYED_PATH_DEADLINE_MS } from './connect-limits.ts'
import type { RecentPeers } from './recent-peers.ts'
import { hiddenDialAddresses, dialAddressesOf, type Hiding } from './dial-addresses.ts'
import { isTurned, measureTurn } from './webrtc-path.ts'

/** How often, and how soon after another, a relayed dial that failed at once is tried. */
const RELAYED_ATTEMPTS = 3
const RELAYED_RETRY_MS = 200

/** Opening a stream on a connection that stands is one round trip. */
const STREAM_DEADLINE_MS = 5 * SECOND_MS

export interface ConnectComponents {
  readonly node: Pick<Libp2p, 'dial' | 'getConnections'>
  readonly clock: Clock
  /** Peers to whom no direct path came up lately: the wait is not paid again for each question. */
  readonly directFailures: RecentPeers
  /** Told when no path at all came up: the introduction may have gone into a dead connection. */
  readonly onUnreachable?: (() => void) | undefined
  /** @default providers may see this peer's network address */
  readonly hiding?: Hiding | undefined
}

export interface Connected {
  readonly connection: Connection
  readonly path: Path
}

/**
 * How a connection's bytes travel, by what was measured of it last. A relayed one is limited, or names the circuit in
 * its address.
 */
export function pathOf(connection: Connection): Path {
  if (connection.remoteAddr.toString().includes('/webrtc')) return isTurned(connection) ? 'turn' : 'webrtc'
  return isRelayed(connection) ? 'relayed' : 'websocket'
}

/**
 * A connection to a provider: one that stands, else a direct one within {@link DIRECT_PATH_DEADLINE_MS}, else one over
 * its relay. A peer that hides takes none that would show the provider its network address.
 *
 * @throws InfernetError `mesh.unreachable`, `mesh.no-hidden-path`, or the signal's reason.
 */
export async function connect(
  components: ConnectComponents,
  provider: PeerName,
  addresses: readonly string[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Connected> {
  const { node, directFailures, hiding } = components
  const targets = hiding
    ? hiddenDialAddresses(provider, addresses, hiding)
    : dialAddressesOf(provider, addresses)
  if (hiding && targets.relayed.length + targets.direct.length === 0)
    throw new InfernetError('mesh.no-hidden-path')
  const standing = openConnections(node, provider).find((connection) => pathOf(connection) !== 'relayed')
  if (standing) return await connectedBy(standing, hiding)
  if (targets.direct.length > 0 && !directFailures.has(provider)) {
    const connection = await connectDirectly(components, provider, targets.direct, signal)
    if (connection) return await connectedBy(connection, hiding)
  }
  return connectedBy(await connectRelayed(components, provider, targets.relayed, signal), hiding)
}

/**
 * A direct connection to a peer, or none: for what must not go over a relay, nor over a TURN server that somebody pays.
 *
 * @throws InfernetError `mesh.no-direct-path`, or the signal's reason
 */
export async function connectStraight(
  components: ConnectComponents,
  peer: PeerName,
  addresses: readonly string[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Connection> {
  const { node, directFailures } = components
  const isStraight = (path: Path): boolean => path === 'webrtc' || path === 'websocket'
  for (const connection of openConnections(node, peer)) {
    await measureTurn(connection)
    if (isStraight(pathOf(connection))) return connection
  }
  const { direct } = dialAddressesOf(peer, addresses)
  const connection =
    direct.length > 0 && !directFailures.has(peer)
      ? await connectDirectly(components, peer, direct, signal)
      : undefined
  if (connection) await measureTurn(connection)
  if (!connection || !isStraight(pathOf(connection))) throw new InfernetError('mesh.no-direct-path')
  return connection
}

/**
 * Names the path by what carries it now. Of a peer that hides, WebRTC runs through TURN alone: its node was made so.
 *
 * @throws InfernetError `mesh.no-hidden-path` for a socket, at whose other end our address is seen
 */
async function connectedBy(connection: Connection, hiding: Hiding | undefined): Promise<Connected> {
  await measureTurn(connection)
  const path = pathOf(connection)
  if (hiding && path === 'websocket') throw new InfernetError('mesh.no-hidden-path')
  return { connection, path: hiding && path === 'webrtc' ? 'turn' : path }
}

async function connectDirectly(
  { node, clock, directFailures }: ConnectComponents,
  provider: PeerName,
  addresses: readonly Multiaddr[],
  signal: AbortSignal | undefined,
): Promise<Connection | undefined> {
  const late = (): Error => new InfernetError('mesh.no-direct-path')
  const dial = (own: AbortSignal): Promise<Connection> => node.dial([...addresses], { signal: own })
  try {
    const connection = await withDeadline(clock, millis(DIRECT_PATH_DEADLINE_MS), late, dial, { signal })
    if (pathOf(connection) !== 'relayed') return connection
  } catch {
    signal?.throwIfAborted()
  }
  directFailures.add(provider)
  return undefined
}

/**
 * Opens a protocol's stream on a connection.
 *
 * A connection that fails here is one of the past: a relayed one has used up its byte budget, WebRTC leads to a tab
 * that went and may have come back under the same name, which its transport notices only after 13 s. It is closed, so
 * that the next attempt dials a new one, and the error is that of a broken connection. A socket tells its end by itself,
 * and may be our only one to a relay.
 *
 * @throws InfernetError `wire.other-version` when the other side does not speak it, `mesh.unreachable` when a socket does
 * not answer,
 * `wire.closed` when another connection broke, or the signal's reason.
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
    const isRefused = thrown instanceof Error && thrown.name === 'UnsupportedProtocolError'
    if (isRefused) throw new InfernetError('wire.other-version', {}, { cause: thrown })
    if (pathOf(connection) === 'websocket') throw InfernetError.from(thrown, 'mesh.unreachable')
    const broken = new InfernetError('wire.closed', undefined, { cause: thrown })
    connection.abort(broken)
    throw broken
  }
}

/**
 * The relayed connection that a failed direct dial left behind, else a new one. A dial that was just given up is
 * joined by libp2p to the next one for the same peer and fails it at once, so a quick failure is tried again.
 */
async function connectRelayed(
  { node, clock, onUnreachable }: ConnectComponents,
  provider: PeerName,
  relayed: readonly Multiaddr[],
  signal: AbortSignal | undefined,
): Promise<Connection> {
  const late = (): Error => new InfernetError('mesh.unreachable')
  const dial = async (own: AbortSignal): Promise<Connection> => {
    for (let attempt = 1; ; attempt++) {
      const [known] = openConnections(node, provider)
      if (known) return known
      if (relayed.length === 0) throw late()
      try {
        return await node.dial([...relayed], { signal: own })
      } catch (thrown) {
        if (own.aborted || attempt >= RELAYED_ATTEMPTS) throw thrown
        await sleep(clock, millis(RELAYED_RETRY_MS), { signal: own })
      }
    }
  }
  try {
    return await withDeadline(clock, millis(RELAYED_PATH_DEADLINE_MS), late, dial, { signal })
  } catch (thrown) {
    signal?.throwIfAborted()
    onUnreachable?.()
    throw InfernetError.from(thrown, 'mesh.unreachable')
  }
}

function openConnections(node: ConnectComponents['node'], provider: PeerName): Connection[] {
  return node.getConnections(peerIdFromString(provider)).filter(({ status }) => status === 'open')
}
