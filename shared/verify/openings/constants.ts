import { MIB, MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { protocolId } from '../../wire/versions.ts'

export const OPENINGS_PROTOCOL = protocolId('openings')

/** How long a provider can open what it committed to: an answer is checked within a day or not at all. */
export const KEEP_OPENINGS_MS = 24 * 60 * MINUTE_MS

/** Jobs of which sketches are kept at once; the eldest go first. A tab that writes all day serves fewer. */
export const MAX_KEPT_JOBS = 4096

/** All sketches that are kept at once, 32 bytes a token: half a million tokens, which take an engine of 50 a second three hours. */
export const MAX_KEPT_BYTES = 16 * MIB

/** Positions of one request: eight times what shows a cheat (docs/design-notes.md), in 200 KB of answers. */
export const MAX_ASKED_POSITIONS = 2048

/** How often one peer may ask: an answer of several parts at once, then one in two seconds. Opening one takes milliseconds. */
export const OPENINGS_RATE = { burst: 20, perSecond: 0.5 } as const

/** How often one job is opened, whoever asks: a few checks of an answer, and then one a minute. Names are free. */
export const JOB_OPENINGS_RATE = { burst: 40, perSecond: 1 / 60 } as const

/** Jobs whose rate is remembered. */
export const MAX_RATED_JOBS = 1024

/** Positions for all peers together: names are free, and opening so many a second takes about a hundredth of a core. */
export const OPENED_POSITIONS_RATE = {
  burst: 8 * MAX_ASKED_POSITIONS,
  perSecond: MAX_ASKED_POSITIONS,
} as const

/** What a request costs beside its positions: the tree of a whole chunk, and a signature. */
export const REQUEST_COST_POSITIONS = 64

/** Peers whose rate is remembered. */
export const MAX_OPENING_ASKERS = 1024

/** One peer's requests open at once on one connection. */
export const MAX_OPENINGS_STREAMS = 4

/** Requests of everybody that are answered at once, 200 KB each at most: whoever reads slowly holds its own that long. */
const MAX_OPEN_REQUESTS = 64

/**
 * Their places until they are answered: of one peer what two connections may ask, a direct and a relayed one. Where all are
 * taken, the peer with the most gives one up, so that slow readers hold them against nobody.
 */
export const OPENINGS_PLACES = {
  total: MAX_OPEN_REQUESTS,
  perPeer: 2 * MAX_OPENINGS_STREAMS,
  perConnection: MAX_OPENINGS_STREAMS,
  busy: 'verify.rate-limited',
} as const

/** All openings of one request come within this, or are taken for withheld. */
export const OPENINGS_DEADLINE_MS = 30 * SECOND_MS
