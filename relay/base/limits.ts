import { KIB, MIB, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'

/*
 * Every bound of the relay, each with its reason. The sources are the measurements of js-libp2p 3 on two shared cores:
 * 0.2 MB and 13 to 17 ms of CPU per join, 0.2 ms/s idle once the pings are off.
 */

/** Connections at once, of all kinds. At 0.25 MB each a full relay stays below 1 GB. libp2p's own default is 300. */
export const MAX_CONNECTIONS = 2048

/** Tabs that are reachable through this relay. libp2p's own default is 15. */
export const MAX_RESERVATIONS = 1024

/**
 * A household or a small office behind one address opens this many. Each reservation needs a connection, so this also
 * bounds how many places one address can fill with fresh identities.
 */
export const CONNECTIONS_PER_ADDRESS = 64

/** New connections per second from one address: a burst of reloading tabs passes, a loop does not. */
export const CONNECTIONS_PER_ADDRESS_PER_SECOND = 8

/** Tokens that an address which was silent has saved, in seconds of its rate. */
export const CONNECTION_BURST_SECONDS = 4

/** HTTP requests: a page load takes 40, a model in 1 MiB pieces some hundreds, all within a few seconds. */
export const HTTP_RATE = { burst: 1000, perSecond: 100 } as const

/** New TLS sockets from one address: each brings a request at least, so what `HTTP_RATE` lets through passes here too. */
export const TLS_SOCKET_RATE = { ...HTTP_RATE }

/**
 * TLS handshakes that begin, of all addresses together: each takes a millisecond, so these take less than half of a
 * processor. Beyond it whose address waits for least goes first. All that one address may open in a moment begin at once.
 */
export const TLS_HANDSHAKE_RATE = { burst: TLS_SOCKET_RATE.burst, perSecond: 400 } as const

/** Answers being sent to one address at once: a slow reader holds a file handle. */
export const HTTP_PARALLEL_PER_ADDRESS = 128

/** Addresses remembered by a limiter. Full buckets are forgotten first; beyond that new addresses are refused. */
export const MAX_TRACKED_ADDRESSES = 50_000

/**
 * libp2p sees every client at 127.0.0.1, because our HTTP server pipes them there, so its limit of 5 new connections
 * per second and address would refuse 25 of 30 tabs. It is out of reach on purpose; ours sits before the pipe.
 */
export const LIBP2P_CONNECTIONS_PER_SECOND = 100_000

/**
 * Handshakes under way at once: 20 to 25 joins a second end within 10 s, with room for slow ones. When all are taken, the
 * address block with most gives way, so this is no limit for an address alone.
 */
export const MAX_PENDING_HANDSHAKES = 512

/**
 * Handshakes that begin, of all addresses together. A join takes 13 to 17 ms, so a processor does no more than this; one
 * that is given up half way takes 2 ms, and a flood of them would take all. Beyond it whose address waits for least goes
 * first, and a crowd of tabs waits for seconds, as it would anyway.
 */
export const HANDSHAKE_RATE = { burst: 100, perSecond: 60 } as const
/** Handshakes that wait for their turn: a whole burst of 32 from 16 addresses. */
export const MAX_WAITING_HANDSHAKES = 512
/** How often those are looked at. */
export const TURN_LOOK_MS = 20

/**
 * A client has the next word of its handshake ready within one round trip: two on a phone whose packet was lost. libp2p
 * itself waits 10 s for the whole of it.
 */
export const HANDSHAKE_SILENCE_MS = 3 * SECOND_MS
export const HANDSHAKE_SWEEP_MS = 500

/** When all places are taken, a handshake that is silent for this long goes before a newer one of the same address. */
export const SILENT_HANDSHAKE_GRACE_MS = SECOND_MS

/**
 * libp2p's own limit of handshakes would turn away whoever comes last. It is out of reach on purpose, for those that were
 * cut and have not gone yet; ours sits before the pipe. Default: 10.
 */
export const LIBP2P_PENDING_CONNECTIONS = 4 * MAX_PENDING_HANDSHAKES

/** Room for the connections that this relay opens itself, beyond those it accepts. */
export const OUTBOUND_CONNECTIONS = 64

/** Noise, the muxer and both negotiations on a slow phone. */
export const UPGRADE_TIMEOUT_MS = 10 * SECOND_MS

/**
 * A reservation is freed when its peer goes, so its life only matters for what slips through. js clients renew it
 * 5 minutes before its end. libp2p's own default is 2 hours.
 */
export const RESERVATION_TTL_MS = 15 * MINUTE_MS

/** One hop request is two small messages. libp2p's own default is 30 s. */
export const HOP_TIMEOUT_MS = 10 * SECOND_MS

/** Introductions that one tab may have open towards others: four candidates, hedged, with room. */
export const MAX_INBOUND_HOP_STREAMS = 32

/** Introductions towards one provider at once, each half a second: 128 asks at once. */
export const MAX_OUTBOUND_STOP_STREAMS = 128

/**
 * What one relayed connection may carry, both directions summed. An introduction takes 8 KB; a prompt of 8192 tokens
 * with an answer of 2000 tokens, framed and signed, stays below 256 KB, so an answer survives where no direct path
 * comes up.
 */
export const RELAYED_CONNECTION_BYTES = MIB

/**
 * How long one relayed connection may live. The relay's library tells clients this number in milliseconds and they
 * read it as seconds: a tab must not trust `conn.limits.seconds`.
 */
export const RELAYED_CONNECTION_MS = 10 * MINUTE_MS

/**
 * A peer can redial and get a fresh budget each time, which libp2p does not bound. So opening a relayed connection
 * takes from a bucket of the asking peer and of its address, and so does each byte.
 */
export const RELAYED_OPENS_PER_PEER = { burst: 32, perSecond: 1 } as const
export const RELAYED_OPENS_PER_ADDRESS = { burst: 256, perSecond: 8 } as const
export const RELAYED_BYTES_PER_PEER = { burst: 4 * MIB, perSecond: 64 * KIB } as const
export const RELAYED_BYTES_PER_ADDRESS = { burst: 32 * MIB, perSecond: 512 * KIB } as const

/** Streams on one connection, of all protocols together. Default: 1000, each able to pin its window. */
export const MAX_STREAMS_PER_CONNECTION = 256

/** The window of a stream never grows: what a stranger can pin per stream is this. */
export const STREAM_WINDOW_BYTES = 256 * KIB

/** More unread bytes than a full window mean that the other side ignores the window. Default: 4 MiB. */
export const MAX_STREAM_BUFFER_BYTES = 512 * KIB

/** libp2p sends frames of at most 64 KiB; the `ws` package would buffer 100 MiB for a stranger. */
export const MAX_WEBSOCKET_MESSAGE_BYTES = 256 * KIB

/** Unsent bytes to one WebSocket before its writers wait. Default: 4 MiB. */
export const MAX_WEBSOCKET_UNSENT_BYTES = MIB

/**
 * Nothing heard from a client for this long means that it is gone without a goodbye. Tabs send yamux keep-alives every
 * 30 s, relays a record every 30 s. So the relay itself never pings: pings were 80 % of its idle CPU.
 */
export const SILENT_CLIENT_MS = 100 * SECOND_MS
export const SILENCE_SWEEP_MS = 10 * SECOND_MS

/** How long a ping may take that proves a connection: a slow phone answers in one second, a dead one never. */
export const PROOF_MS = 3 * SECOND_MS
/** How long an introduction waits for one connection of its target, before the next one is tried. */
export const INTRODUCTION_TRY_MS = 2 * SECOND_MS
/** Connections of one peer that are tried or proved at a time. A tab has one, for a moment two. */
export const MAX_PROVED_CONNECTIONS = 4

/** How long a dial may take that shows whether a provider answers where it says: the announcement waits for it. */
export const REACH_DIAL_MS = 3 * SECOND_MS
/** Such dials at once, of all and for one address block; more are refused, and a provider tries again after 2 s. */
export const MAX_REACH_DIALS = 64
export const MAX_REACH_DIALS_PER_GROUP = 16
/** New addresses that one address block may have dialled: a machine room that starts, then a change now and then. */
export const REACH_DIALS_PER_GROUP = { burst: 64, perSecond: 2 } as const
/** For so long an address that answered is not dialled again: an offer is renewed every 25 s. */
export const REACHED_MS = 10 * MINUTE_MS
/** Addresses remembered as answering, below 1 KB each. */
export const MAX_REACHED_PROVIDERS = 4096

/** Relays that this one opens connections to. Gossip reaches the others through them. */
export const MAX_RELAY_LINKS = 8

/** Relays remembered from gossip. A record is below 1 KB. */
export const MAX_KNOWN_RELAYS = 256

/** A relay says that it is there this often, and is believed for three of these. */
export const RELAY_RECORD_MS = 30 * SECOND_MS
export const RELAY_RECORD_LIFE_MS = 3 * RELAY_RECORD_MS

/** Addresses in one record, and characters in each: a DNS name of 253 with its ports and peer id. */
export const MAX_RECORD_ADDRESSES = 4
export const MAX_ADDRESS_CHARACTERS = 384

/** Clocks of strangers differ. */
export const RECORD_CLOCK_SKEW_MS = 10 * SECOND_MS

/** One gossiped message; larger ones are refused where they are made. An offer with its signature is below 9 KiB. */
export const MAX_GOSSIP_MESSAGE_BYTES = 12 * KIB

/**
 * One gossip RPC holds several messages. A peer that once sends more than this is silently deaf for the rest of its
 * connection, so the bound is far above what `MAX_GOSSIP_MESSAGE_BYTES` lets honest relays batch.
 */
export const MAX_GOSSIP_RPC_BYTES = 2 * MIB

/** Messages one gossip neighbour may bring: 20,000 offers renewed every 25 s are 800 a second, from all together. */
export const GOSSIP_RATE_PER_NEIGHBOUR = { burst: 4000, perSecond: 1000 } as const

/**
 * The same for the neighbours from one address block that are not admitted: a relay with all its reservations taken renews
 * 41 offers a second. Each message takes about a millisecond here, most of it before it can be refused.
 */
export const GOSSIP_RATE_OF_STRANGERS = { burst: 500, perSecond: 50 } as const

/** So many beyond that are only left unheard; who goes on is cut, since refusing costs as much as hearing. */
export const GOSSIP_EXCESS_OF_STRANGERS = { burst: 250, perSecond: 25 } as const

/** So long nothing is heard of that address block then: whoever comes back is cut at its first word. */
export const GOSSIP_CUT_MS = 30 * SECOND_MS

/**
 * Relays form a star around the first one until they know each other, and the hub forwards at once only to its mesh:
 * with the default D = 6 the rest waits for the 1 s heartbeat and 5 % never arrives (measured, 20 nodes).
 */
export const GOSSIP_MESH = { D: 100, Dlo: 50, Dhi: 200, Dout: 2 } as const

/** How long until a lost relay is dialled again, doubling up to the second value, with a fifth of jitter. */
export const REDIAL_MIN_MS = 250
export const REDIAL_MAX_MS = 5 * SECOND_MS

/** The request line and all headers. Browsers send 1 to 2 KiB, a WebSocket through two proxies 3 KiB. */
export const MAX_HTTP_HEADER_BYTES = 8 * KIB
export const MAX_HTTP_HEADERS = 64

/**
 * Sockets at once that are no WebSocket. They have places of their own, so that no number of them takes one from a
 * WebSocket. Browsers open 6 for a page: 340 tabs may load it in one moment. Each takes about 20 KB. When all are taken,
 * the address block with most gives way, so this is no limit for an address alone: a school may use all of it while
 * nobody else comes.
 */
export const MAX_PLAIN_SOCKETS = 2048

/**
 * When the places are all taken, a socket that has asked nothing for this long goes before a newer one of the same
 * address. A request follows its socket within one to three round trips, TLS included.
 */
export const UNASKED_SOCKET_GRACE_MS = SECOND_MS

/**
 * The first request has to be there this long after its socket, as has a TLS handshake: two lost packets are sent again
 * in that time. A client that dribbles its headers (slowloris) is cut after this.
 */
export const HTTP_HEADERS_TIMEOUT_MS = 5 * SECOND_MS
/** How often that is looked at. */
export const HTTP_CHECK_MS = SECOND_MS
/** Requests have no body, so the whole request is its headers. */
export const HTTP_REQUEST_TIMEOUT_MS = 15 * SECOND_MS
export const HTTP_KEEP_ALIVE_MS = 15 * SECOND_MS
/** An answer that makes no progress for this long meets a reader who stopped reading. */
export const HTTP_STALL_MS = 60 * SECOND_MS

/** Connecting to our own loopback port takes a millisecond. */
export const PIPE_CONNECT_TIMEOUT_MS = 5 * SECOND_MS

/** All of `stop()`: goodbyes included, before what is left is cut. */
export const STOP_DEADLINE_MS = 4 * SECOND_MS
