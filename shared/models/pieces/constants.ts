import { KIB, MIB, MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { protocolId } from '../../wire/versions.ts'

export const PIECES_PROTOCOL = protocolId('pieces')

/** Of all files of one manifest: 32 files of 4096 pieces, see `manifest.ts`. Their map is 16 KiB. */
export const MAX_FLAT_PIECES = 32 * 4096

/** A manifest takes 66 bytes a piece: this one is of a model of 31 GiB. */
export const MAX_MANIFEST_BYTES = 2 * MIB

/**
 * Data in one frame, which the muxer cuts to what a data channel takes (16 KiB). Smaller frames cost more in time than
 * they win: a control message waits for 60 KiB at most either way.
 */
export const DATA_BYTES = 60 * KIB
/** Less than this in a frame comes at the end of a piece alone: each frame costs who gets it the same. */
export const MIN_DATA_BYTES = 4 * KIB

/** Pieces asked of one peer at once: enough for 40 MB/s at a round trip of 100 ms. */
export const MAX_WANTS_PER_PEER = 6
/** The fewest: while one travels the next is already asked for. */
export const MIN_WANTS_PER_PEER = 2
/** Pieces of one peer that are asked for or came and are not kept yet: what a disk that stands still costs in memory. */
export const MAX_PIECES_PER_PEER = MAX_WANTS_PER_PEER + 4
/** What a seeder takes to read a piece from its disk: so much longer than the way's delay it is until an answer begins. */
export const SEEDER_READ_MS = 50

/** What may wait unread from one seeder: all that was asked of it. WebRTC has no other window than this one. */
export const MAX_UNREAD_BYTES = MAX_WANTS_PER_PEER * MIB + 256 * KIB

/** Wants that one peer may leave with us; each is some bytes. More is a flood. */
export const MAX_WAITING_WANTS = 16

/** Of parts of pieces, and of pieces that are not here: each costs a look at the disk and a hash, and brings us no peer. */
export const ODD_WANTS = { burst: 64, perSecond: 1 } as const

/**
 * Messages of a fetcher that change nothing: wants after it lost its slot, cancels of what is sent, the interest that it
 * told before. A slot that is lost brings six, and a piece that came from elsewhere one; more is a flood, which costs a
 * reading each.
 */
export const IDLE_MESSAGES = { burst: 128, perSecond: 16 } as const

/** Pieces told in one message. */
export const MAX_HAVES = 256
/** News of pieces wait this long, so that many go in one message. */
export const HAVE_DELAY_MS = SECOND_MS / 4
/** A piece is told once; so many repeats pass for a mistake. */
export const MAX_REPEATED_HAVES = 16
/** Messages with news: twice as many as `HAVE_DELAY_MS` makes, after a minute in which nothing came through. */
export const HAVES_RATE = { burst: 480, perSecond: (2 * SECOND_MS) / HAVE_DELAY_MS } as const

/** Streams of one peer: one for each model that it fetches at a time. */
export const MAX_PIECES_STREAMS = 4
/** How often a change of one peer's mind is looked at: what comes to us and goes on to it changes it that often. */
export const INTEREST_RATE = { burst: 40, perSecond: 8 } as const
/** Streams in all that a seeder answers. Each holds a map and a short list; only those with a slot hold pieces, two each. */
export const MAX_UPLOADS = 64
/** Streams whose first frame has not come yet: whoever holds them in silence makes room for whoever comes. */
export const OPENING_UPLOADS = {
  total: MAX_UPLOADS,
  perPeer: 2 * MAX_PIECES_STREAMS,
  perConnection: MAX_PIECES_STREAMS,
  busy: 'models.upload-busy',
} as const
/** Requests of one peer, each of which may ask the disk what is there: a reload after another passes, a loop does not. */
export const OPEN_RATE = { burst: 30, perSecond: 0.5 } as const
/** Peers whose requests are counted. */
export const MAX_COUNTED_PEERS = 1024
/** Models that one peer seeds. */
export const MAX_SHARED_MODELS = 64

/** Who is served at once: three by what they gave us lately, and one by chance (docs/design-notes.md). */
export const UPLOAD_SLOTS = 3
export const ROTATE_MS = 10 * SECOND_MS
export const OPTIMISTIC_MS = 30 * SECOND_MS

/** What a peer gets for nothing in a day; beyond it as much as it gave. Two GiB is a large model in `q4`. */
export const UPLOAD_BUDGET_BYTES = 2048 * MIB
export const UPLOAD_BUDGET_MS = 24 * 60 * MINUTE_MS

/** A data channel holds 2 MiB unsent and drains to nothing first: this is 35 kB/s. */
export const SEND_DEADLINE_MS = MINUTE_MS
/** Whoever asks for nothing this long has its stream closed; it opens it again when it needs it. */
export const UPLOAD_IDLE_MS = 2 * MINUTE_MS

/** A peer with a slot of which nothing comes for this long is given up. */
export const STALL_MS = 10 * SECOND_MS
/** One piece takes no longer than this, whatever drips: 9 kB/s. */
export const PIECE_DEADLINE_MS = 2 * MINUTE_MS
/** Pieces that a peer told and does not have, before it loses its place. */
export const MAX_MISSING_PIECES = 3
/** Others that may be asked for one piece at the end, when nothing else is left to ask for. */
export const MAX_ENDGAME_SOURCES = 3
/** Pieces taken by chance before the rarest first: something to give comes first. */
export const RANDOM_PIECES = 4

/** Seeders that one download keeps. */
export const MAX_FETCH_PEERS = 16
/**
 * Where all places are taken and others wait, a seeder keeps its own while it brings so much at least, in bytes a second.
 * Names cost nothing: sixteen that promise and do not bring would keep out everybody else.
 */
export const PLACE_BYTES_PER_SECOND = 16 * KIB
/** One that brings less has so long to begin. */
export const PLACE_MS = 20 * SECOND_MS
/** Dials of one download: names and their addresses may be made up, and what is dialled may be anybody's. */
export const DIAL_RATE = { burst: 3 * MAX_FETCH_PEERS, perSecond: 1 } as const
/** How often seeders are looked for: often at first, when those who fetch too begin to have something. */
export const FIND_FIRST_MS = SECOND_MS
export const FIND_MS = 15 * SECOND_MS
/** The longest pause while there is none. */
export const FIND_ALONE_MS = 3 * SECOND_MS
/** Finding, and opening a stream to one: a WebRTC dial through a relay is most of it. */
export const OPEN_DEADLINE_MS = 12 * SECOND_MS
/** After a stall a peer is left alone for this long. */
export const SHUN_MS = MINUTE_MS
/** One that has no place for us is asked again this soon: before a download with nobody else is given up. */
export const BUSY_MS = 10 * SECOND_MS

/** An origin of which no byte comes for this long is opened anew. */
export const ORIGIN_STALL_MS = 20 * SECOND_MS
/** Failures in a row over one file, after which it is not looked for there for a while. */
export const MAX_ORIGIN_FAILURES = 3
export const ORIGIN_RETRY_MS = 30 * SECOND_MS
/** Files of one origin that turned out to be others, after which nothing more is read there. */
export const MAX_ORIGIN_WRONG = 2
/** An origin rests once reading it saves less than this part of the time: peers bring four times as much then. */
export const ORIGIN_COST = 1 / 5
/** It is read again once that would save more than this: peers bring no more than twice as much. */
export const ORIGIN_WORTH = 1 / 3
/** An origin's speed is known after so long: its first bytes come slowly. */
export const ORIGIN_MEASURE_MS = 4 * SECOND_MS
/** While it rests its speed is measured anew after this long: it may have been a bad moment. */
export const ORIGIN_FORGET_MS = MINUTE_MS

/** With nothing from anybody for this long the download ends, whatever peers promise. */
export const QUIET_MS = 5 * MINUTE_MS
/** With nobody to ask for this long the download ends; what is kept is kept. */
export const GIVE_UP_MS = 20 * SECOND_MS
