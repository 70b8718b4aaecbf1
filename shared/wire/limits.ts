import { KIB, SECOND_MS } from '../base/units.ts'

/**
 * The largest frame on any stage. A prompt of 8192 token ids below 2^17 takes 5 bytes each in CBOR, so 64 KiB hold
 * every context we serve with room to spare, while a stranger can pin no more than that per stream.
 */
export const MAX_FRAME_BYTES = 64 * KIB

/**
 * How much a stream may buffer that we have not read yet. libp2p's default of 4 MiB times 1000 streams would be
 * 4 GiB for one stranger.
 */
export const MAX_READ_BUFFER_BYTES = 256 * KIB

/** A peer that answers a single question does so within this, or is taken for dead. */
export const ANSWER_DEADLINE_MS = 5 * SECOND_MS

/** A frame that does not drain within this meets a reader who stopped reading. */
export const WRITE_DEADLINE_MS = 8 * SECOND_MS

/** Token ids fit in 2^20: the largest vocabularies in use have about 262,000 entries. */
export const MAX_TOKEN_ID = 2 ** 20 - 1
