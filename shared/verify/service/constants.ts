import { KIB, MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { MAX_OUTPUT_TOKENS } from '../../prompt/constants.ts'
import { CHUNK_TOKENS } from '../../stream/constants.ts'
import { MAX_FRAME_BYTES, MAX_QUESTION_BYTES } from '../../wire/limits.ts'
import { protocolId } from '../../wire/versions.ts'

export const VERIFY_PROTOCOL = protocolId('verify')

/** Checks that are read at once, whatever models are lent: they come after the jobs, and share a GPU with them. */
export const MAX_RUNNING_CHECKS = 1

/** Checks that may wait beyond that. Who comes later finds another verifier sooner. */
export const MAX_WAITING_CHECKS = 8

/**
 * Checks that stand open at once, those included that were read and wait for openings: each holds a transcript and what was
 * read of it, half a megabyte at most. Names are free, and a reading of one token takes milliseconds.
 */
export const MAX_OPEN_CHECKS = 32

/** Checks that one peer may have open at a verifier: one that is read, and the next one. */
export const MAX_CHECKS_PER_PEER = 2

/** How often one peer may ask for a check: the segments of an answer at once, then one in five seconds. */
export const CHECK_RATE = { burst: 8, perSecond: 0.2 } as const

/** Peers whose rate is remembered. */
export const MAX_RATED_PEERS = 1024

/**
 * Streams of this protocol from one connection. Above what is admitted, so that a refusal has a name, and few of what may
 * stand open before it is admitted.
 */
export const MAX_CHECK_STREAMS = 8

/**
 * Streams whose first frame has not come yet, 400 KiB each at most. A connection opens no more than its peer may have
 * twice over; whoever holds places in silence makes room for whoever comes.
 */
export const OPENING_CHECKS = {
  total: 32,
  perPeer: 2 * MAX_CHECKS_PER_PEER,
  perConnection: 2 * MAX_CHECKS_PER_PEER,
  busy: 'verify.busy',
} as const

/** The first frame is large, and may come over a slow line. */
export const CHECK_FRAME_DEADLINE_MS = 15 * SECOND_MS

/** The asker fetches the openings from the provider meanwhile. */
export const OPENINGS_DEADLINE_MS = MINUTE_MS

/** How long the asker waits for the provider's openings. Shorter than the verifier waits for ours. */
export const FETCH_OPENINGS_DEADLINE_MS = 20 * SECOND_MS

/** The whole check, from its first frame to the verdict, its wait behind the jobs included. */
export const CHECK_DEADLINE_MS = 5 * MINUTE_MS

/**
 * A check is read anew when a job needed its place. After so many times it is given up: the verifier has no time, and the
 * asker hears that sooner than the deadline.
 */
export const MAX_INTERRUPTIONS = 3

/** A chunk with its signature: 32 token ids of 5 bytes, two hashes, an amount, and their names, with room to spare. */
const MAX_CHUNK_BYTES = 640

/** The chunks of the longest answer, chunk 0 included. */
export const MAX_CHECKED_CHUNKS = 1 + Math.ceil(MAX_OUTPUT_TOKENS / CHUNK_TOKENS)

/** A transcript with question, quote and what the provider accepted it with. */
export const MAX_CHECKED_BYTES =
  MAX_QUESTION_BYTES + MAX_FRAME_BYTES / 4 + MAX_CHECKED_CHUNKS * MAX_CHUNK_BYTES

/** The frame that asks for a check. */
export const MAX_CHECK_FRAME_BYTES = MAX_CHECKED_BYTES + 4 * KIB

/** Positions that are opened at most: more prove nothing further (`SketchOpening`). Evenly drawn from all. */
export const MAX_OPENED_POSITIONS = 512
