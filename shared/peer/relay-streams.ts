import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerName } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { RelayView } from './peer.ts'

/** The relays that a node keeps. */
export interface KeptRelays {
  readonly views: readonly RelayView[]
  /** Calls back when relays come or go. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

/**
 * Opens a stream to a relay over the newest connection that is not itself relayed. A relay that does not speak the
 * protocol refuses it.
 *
 * @throws InfernetError `schedule.no-relay`, or what libp2p throws
 */
export async function openRelayStream(
  node: Pick<Libp2p, 'getConnections'>,
  relay: PeerName,
  protocol: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<Stream> {
  const [connection] = node
    .getConnections(peerIdFromString(relay))
    .filter(({ status, limits }) => status === 'open' && limits == null)
    .sort((a, b) => b.timeline.open - a.timeline.open)
  if (!connection) throw new InfernetError('schedule.no-relay')
  return connection.newStream(protocol, { signal })
}

/** Those that can be asked now. */
export function relaysUp({ views }: KeptRelays): readonly PeerName[] {
  return views.filter(({ state }) => state === 'up' || state === 'checking').map(({ relay }) => relay)
}
