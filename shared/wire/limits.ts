import { KIB, SECOND_MS } from '../base/units.ts'

/** The largest frame on any stage but for the question of a job. */
export const MAX_FRAME_BYTES = 64 * KIB

/**
 * The longest text that travels, prompt and answer together, in tokens: a job that goes on after a lost provider says
 * both. A token id takes 5 bytes in CBOR at most, so these are 160 KiB.
 */
export const MAX_TEXT_TOKENS = 32_768

/**
 * Texts of one job that asks for vectors, all of them together no longer than {@link MAX_TEXT_TOKENS}: with the length of
 * each they take no more than a prompt.
 */
export const MAX_EMBED_TEXTS = 256

/** A text of that length, a grammar of 16,384 characters of up to 3 bytes, and what else a sampler may have. */
export const MAX_QUESTION_BYTES = 224 * KIB

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
