import type { Connection } from '@libp2p/interface'

/**
 * True when a relay carries a connection's bytes: it is limited, or names the circuit in its address. A direct one that a
 * relay only introduced names the circuit too, and WebRTC after it.
 */
export function isRelayed({ limits, remoteAddr }: Pick<Connection, 'limits' | 'remoteAddr'>): boolean {
  const address = remoteAddr.toString()
  return !address.includes('/webrtc') && (limits != null || address.includes('/p2p-circuit'))
}
