import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { INTRODUCTION_TRY_MS, MAX_PROVED_CONNECTIONS, PROOF_MS } from '../base/limits.ts'
import type { RelayNode } from './create-node.ts'

const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32

/** The part of libp2p's relay that introduces, which has no option for the connection it takes. */
interface Introducer {
  stopHop(
    introduction: { connection: Connection; request: unknown },
    options: { signal: AbortSignal },
  ): Promise<Stream | undefined>
}

/** A peer's connections, the newest first: after a change of its network the older ones lead nowhere. */
export function newestFirst(connections: readonly Connection[]): Connection[] {
  return [...connections].sort((a, b) => b.timeline.open - a.timeline.open)
}

/**
 * Keeps introductions off connections that lead nowhere. Returns what undoes it.
 *
 * A peer whose network changed comes back on a new connection, and its old one looks open until it has been silent for
 * SILENT_CLIENT_MS. libp2p introduces over the oldest. So introductions take the newest that answers, also one that opens
 * while an older one is tried; what did not answer is proved with a ping at once, and so are the older connections of a
 * peer whose newer one has answered a ping.
 *
 * @throws TypeError when an upgrade of `@libp2p/circuit-relay-v2` (4.2.13) moves what this takes hold of
 */
export function keepConnectionsLive(node: RelayNode, onDead: (peer: PeerId) => void): () => void {
  const proving = new Set<Connection>()
  const prove = async (connection: Connection): Promise<boolean> => {
    if (proving.has(connection)) return true // whoever asked first will see
    proving.add(connection)
    const answers = await isAnswering(connection)
    proving.delete(connection)
    if (!answers && connection.status === 'open') {
      onDead(connection.remotePeer)
      connection.abort(new Error('the connection answers no more'))
    }
    return answers
  }
  const onOpen = ({ detail: newest }: CustomEvent<Connection>): void => {
    const older = newestFirst(node.getConnections(newest.remotePeer)).filter((each) => each !== newest)
    if (older.length === 0) return
    void prove(newest).then((answers) => {
      if (answers) for (const each of older.slice(0, MAX_PROVED_CONNECTIONS)) void prove(each)
    })
  }
  node.addEventListener('connection:open', onOpen)
  const restore = introduceOverNewest(node, (connection) => void prove(connection))
  return () => {
    node.removeEventListener('connection:open', onOpen)
    restore()
  }
}

function introduceOverNewest(node: RelayNode, onSilent: (connection: Connection) => void): () => void {
  const relay = node.services.relay as unknown as Partial<Introducer>
  if (typeof relay.stopHop !== 'function')
    throw new TypeError('@libp2p/circuit-relay-v2 introduces elsewhere now: take the newest connection there')
  const { stopHop } = relay
  relay.stopHop = async ({ connection: oldest, request }, { signal }) => {
    const peer = oldest.remotePeer
    const tried = new Set<Connection>()
    while (tried.size < MAX_PROVED_CONNECTIONS && !signal.aborted) {
      const connection = newestFirst(node.getConnections(peer)).find((each) => !tried.has(each))
      if (!connection) break
      tried.add(connection)
      using newer = nextConnection(node, peer)
      const own = AbortSignal.any([signal, newer.signal, AbortSignal.timeout(INTRODUCTION_TRY_MS)])
      try {
        const stream = await stopHop.call(relay, { connection, request }, { signal: own })
        if (stream) return stream
      } catch {
        // It is silent, or who asked has gone.
      }
      if (!signal.aborted) onSilent(connection)
    }
    return undefined
  }
  return () => {
    relay.stopHop = stopHop
  }
}

/** Its signal is aborted as soon as the peer opens another connection. */
function nextConnection(node: RelayNode, peer: PeerId): { readonly signal: AbortSignal } & Disposable {
  const opened = new AbortController()
  const onOpen = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.remotePeer.equals(peer)) opened.abort(new Error('the peer came back on a newer connection'))
  }
  node.addEventListener('connection:open', onOpen)
  return {
    signal: opened.signal,
    [Symbol.dispose]: () => node.removeEventListener('connection:open', onOpen),
  }
}

/** Whether the other side sends a ping back in time. */
async function isAnswering(connection: Connection): Promise<boolean> {
  const signal = AbortSignal.timeout(PROOF_MS)
  try {
    const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
    try {
      const bytes = byteStream(stream)
      await bytes.write(new Uint8Array(PING_BYTES), { signal })
      await bytes.read({ bytes: PING_BYTES, signal })
      await stream.close({ signal })
      return true
    } catch (thrown) {
      stream.abort(thrown instanceof Error ? thrown : new Error('no answer'))
      return false
    }
  } catch {
    return false
  }
}
