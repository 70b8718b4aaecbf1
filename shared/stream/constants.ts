import { MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { protocolId } from '../wire/protocol-id.ts'

export const STREAM_PROTOCOL = protocolId('stream')

/** Tokens under one signature: the unit of payment and of proof. Nobody can lose more than one (PROTOCOL part 1.3). */
export const CHUNK_TOKENS = 32

/**
 * Tokens that may be on their way unacknowledged. Four chunks cover 100 tokens a second over a round trip of 1.2 s,
 * and are some 3 KB: far below what makes a browser discard a frozen tab for growing memory (FACTS on tabs).
 */
export const ACK_WINDOW_TOKENS = 4 * CHUNK_TOKENS

/** The most tokens in one frame. At 16 ms a frame this is 4000 tokens a second. */
export const MAX_FRAME_TOKENS = 64

/** Heartbeats on a job's stream, answered by the application: a frozen tab keeps its transport open for minutes. */
export const HEARTBEAT_MS = 2500

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
 * enough that their first frames (64 KiB each) stay below 16 MiB.
 */
export const MAX_JOB_STREAMS = 256

/** Job streams of everybody whose first frame has not come yet. */
export const MAX_OPENING_JOBS = 512

/** Room for a payment voucher beside an acknowledgement. */
export const MAX_CREDIT_BYTES = 1024

/**
 * A provider that answers heartbeats but writes nothing for this long is given up: long enough for a long prompt on a
 * software GPU or a full queue before us, short enough that nobody is held for ever by empty signs of life.
 */
export const STALL_MS = 90 * SECOND_MS

/** No job runs longer than this, however slowly its reader acknowledges: a place is not to be had by trickling. */
export const MAX_JOB_MS = 15 * MINUTE_MS
