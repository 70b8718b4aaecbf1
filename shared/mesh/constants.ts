import { MINUTE_MS, SECOND_MS } from '../base/units.ts'

/** A relay that does not answer is dialled again after this, doubling up to the maximum, with up to as much jitter. */
export const REDIAL_MIN_MS = 250
export const REDIAL_MAX_MS = 5 * SECOND_MS

/** One dial to a relay: a WebSocket, Noise and yamux. A relay under load takes a second or two. */
export const RELAY_DIAL_DEADLINE_MS = 8 * SECOND_MS

/** A reservation is one round trip on a connection that stands. */
export const RESERVATION_DEADLINE_MS = 8 * SECOND_MS

/**
 * libp2p's connection monitor pings every connection on both ends; at 10 s that is nearly all a relay does when idle
 * (docs/traps.md). Tab to tab we have heartbeats of our own, so once a minute is enough to notice a dead relay.
 */
export const MONITOR_PING_MS = MINUTE_MS

/** Two relays: one may vanish. More would only multiply the addresses to dial. */
export const MAX_RELAYS = 2

/** A provider serves a handful at once and remembers some dozen askers; each connection costs a few hundred KiB. */
export const MAX_CONNECTIONS = 200

/** New connections from one address a second. Behind a relay that is everybody. */
export const MAX_INBOUND_PER_SECOND = 50

/** Handshakes under way. A WebRTC one takes a third of a second. */
export const MAX_PENDING_CONNECTIONS = 50
