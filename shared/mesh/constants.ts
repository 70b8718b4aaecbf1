import { MINUTE_MS, SECOND_MS } from '../base/units.ts'

/** A relay that does not answer is dialled again after this, doubling up to the maximum, with up to as much jitter. */
export const REDIAL_MIN_MS = 250
export const REDIAL_MAX_MS = 2.5 * SECOND_MS

/** One dial to a relay: a WebSocket, Noise and yamux. A relay under load takes a second or two. */
export const RELAY_DIAL_DEADLINE_MS = 8 * SECOND_MS

/** A dial that is older than this when the network comes back waits for a packet that was lost: a new one is quicker. */
export const STALE_DIAL_MS = SECOND_MS

/** A relay that has not answered for this long is shown as doubtful, and given up after the second. */
export const DOUBTFUL_AFTER_MS = SECOND_MS
export const PROBE_DEADLINE_MS = 2.5 * SECOND_MS

/**
 * A relay where this side provides is asked this often, since nothing else tells that a router's address changed: whoever
 * comes meanwhile waits in vain. It costs the relay two small frames on a stream that stands: half a millisecond, measured
 * on a busy core, so a quarter of a core for 1024 providers.
 */
export const PROVIDING_PROBE_MS = 2 * SECOND_MS

/** While too few relays answer, the list of relays is read again after this, doubling up to the maximum. */
export const RELIST_MIN_MS = 2 * SECOND_MS
export const RELIST_MAX_MS = 30 * SECOND_MS

/** A list of relays comes from a stranger; this many of it are tried. */
export const MAX_KNOWN_RELAYS = 10

/** A reservation is one round trip on a connection that stands. */
export const RESERVATION_DEADLINE_MS = 8 * SECOND_MS

/**
 * libp2p's connection monitor pings every connection on both ends; at 10 s that is nearly all a relay does when idle
 * (docs/traps.md). Tab to tab we have heartbeats of our own, so once a minute is enough to notice a dead relay.
 */
export const MONITOR_PING_MS = MINUTE_MS

/** Two relays: one may vanish. More would only multiply the addresses to dial; the others are tried while one is down. */
export const MAX_RELAYS = 2

/** A provider serves a handful at once and remembers some dozen askers; each connection costs a few hundred KiB. */
export const MAX_CONNECTIONS = 200

/** New connections from one address a second. Behind a relay that is everybody. */
export const MAX_INBOUND_PER_SECOND = 50

/** Handshakes under way. A WebRTC one takes a third of a second. */
export const MAX_PENDING_CONNECTIONS = 50
