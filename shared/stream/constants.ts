import { KIB, MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { MAX_QUESTION_BYTES } from '../wire/limits.ts'
import { protocolId } from '../wire/versions.ts'

export const STREAM_PROTOCOL = protocolId('stream')

/** Tokens under one signature: the unit of payment and of proof (docs/design-notes.md). */
export const CHUNK_TOKENS = 32

/**
 * Tokens that may be on their way unacknowledged. Four chunks cover 100 tokens a second over a round trip of 1.2 s,
 * and are some 3 KB: far below what makes a browser discard a frozen tab for growing memory (docs/traps.md).
 */
export const ACK_WINDOW_TOKENS = 4 * CHUNK_TOKENS

/** The most tokens in one frame. At 16 ms a frame this is 4000 tokens a second. */
export const MAX_FRAME_TOKENS = 64

/** Heartbeats on a job's stream, answered by the application: a frozen tab keeps its transport open for minutes. */
export const HEARTBEAT_MS = 2500

/**
 * Frames of a job that bring nothing: heartbeats, echoes, acknowledgements of what is acknowledged. A live side sends two
 * in {@link HEARTBEAT_MS}; a path that stood still for {@link SILENCE_MS} brings eight at once. Whoever sends more is
 * given up: reading one takes some 30 microseconds, and answering it as much again.
 */
export const IDLE_FRAMES_RATE = { burst: 20, perSecond: 10 } as const

/** Three missed heartbeats and the grace that a hidden tab's one-second timers need. */
export const SILENCE_MS = 8 * SECOND_MS

/**
 * After the relay said that the other side's socket closed, or its farewell came, it has this long to answer one
 * heartbeat. Answers are sent from a message handler, which is never throttled, so a round trip is all it takes.
 */
export const SUSPICION_MS = 750

/**
 * How long a full window may wait for an acknowledgement before the reader counts as stuck.
 *
 * @alias because it is the same patience, not the same number by chance
 */
export const ACK_DEADLINE_MS = SILENCE_MS

/** Jobs that may wait at a provider beyond those that run. More would wait longer than anyone wants to. */
export const MAX_WAITING_JOBS = 8

/** Jobs one consumer may have open at a provider. A page runs one; two tabs and a retry make four. */
export const MAX_JOBS_PER_CONSUMER = 4

/**
 * Job streams one connection may open at once. Above what can be admitted, so that the refusal has a name, and low
 * enough that what they leave unread (256 KiB each) stays at 16 MiB.
 */
export const MAX_JOB_STREAMS = 64

/**
 * Job streams whose first frame has not come yet. A connection may open what one consumer may have twice over, as after a
 * break of the line, and a peer so much on a direct and on a relayed one. In all their frames take 56 MiB at most, and
 * whoever wants to keep others out must open 256 streams of 256 names anew in the time that a frame takes.
 */
export const OPENING_JOBS = {
  total: 256,
  perPeer: 4 * MAX_JOBS_PER_CONSUMER,
  perConnection: 2 * MAX_JOBS_PER_CONSUMER,
  busy: 'stream.busy',
} as const

/** Jobs whose first credit is looked at, at once: each may wait for the chain. More than one in ten of all open quotes. */
export const MAX_ADMITTING_JOBS = 128

/** Refusals that are told at once, each within seconds: beyond it a stream is cut without a word. */
export const MAX_JOB_REFUSALS = 256

/** Room for a payment voucher beside an acknowledgement. */
export const MAX_CREDIT_BYTES = 1024

/** The frame that opens a job: its question, its credit, and their names. */
export const MAX_JOB_FRAME_BYTES = MAX_QUESTION_BYTES + 4 * KIB

/** A prompt longer than this is paid for before it is read: reading it costs about as much as writing one chunk. */
export const PREPAID_PROMPT_TOKENS = 256

/**
 * Tokens of texts whose vectors are under one signature: reading so many costs about as much as writing one chunk. A
 * longer text has a signature of its own.
 *
 * @alias because it is the same work
 */
export const READ_CHUNK_TOKENS = PREPAID_PROMPT_TOKENS

/** The vectors of one frame, so that it stays far below what a frame may have. One vector of the longest takes as much. */
export const MAX_VECTOR_BYTES = 32 * KIB

/**
 * How much may be written unpaid: one chunk. Where the way there and back takes longer than writing a chunk, two, so
 * that the GPU need not wait for the network.
 */
export const CREDIT_WINDOW_CHUNKS = 1
export const WIDE_CREDIT_WINDOW_CHUNKS = 2

/**
 * A payment that has not come for this long does not come.
 *
 * @alias because it is the same patience as for a silent consumer
 */
export const CREDIT_DEADLINE_MS = SILENCE_MS

/**
 * Checking the first credit may take this long, a call to the chain included. Shorter than a silence, because the
 * consumer hears nothing meanwhile.
 */
export const CREDIT_CHECK_DEADLINE_MS = 5 * SECOND_MS

/** Credit is checked by a signature each, 2 ms of a core, so no more of it is taken than chunks can be paid. */
export const SPARE_CREDITS = 4

/**
 * After a stop, what was signed and is on its way is still taken and paid, for no longer than this: a round trip as a
 * rule. Else a far provider would hold every second stop for a chunk left unpaid.
 */
export const STOP_DEADLINE_MS = SECOND_MS

/** Chunks that can be on their way at a stop: the widest window, and the prompt's. Whoever signs more did not stop. */
export const MAX_CHUNKS_AFTER_STOP = WIDE_CREDIT_WINDOW_CHUNKS + 1

/** The last signatures are exchanged within this, or not at all: nobody waits for a paper with the answer at hand. */
export const RECEIPT_DEADLINE_MS = 2 * SECOND_MS

/**
 * A provider that answers heartbeats but writes nothing for this long is given up: long enough for a long prompt on a
 * software GPU or a full queue before us, short enough that nobody is held for ever by empty signs of life.
 */
export const STALL_MS = 90 * SECOND_MS

/**
 * And one that has begun to write, and then writes nothing for this long: twice what its credit may be waited for, and some
 * seconds. Another one goes on at the same position, so that a first token alone buys nobody a minute and a half.
 */
export const PAUSE_MS = 20 * SECOND_MS

/** No job runs longer than this, however slowly its reader acknowledges: a slow reader must not hold a slot. */
export const MAX_JOB_MS = 15 * MINUTE_MS
