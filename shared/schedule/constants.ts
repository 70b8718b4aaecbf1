import { MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { ANSWER_DEADLINE_MS } from '../wire/limits.ts'
import { protocolId } from '../wire/versions.ts'

export const SCHEDULE_PROTOCOL = protocolId('schedule')

/** An offer lives one minute at most: a provider that crashed with its relay is forgotten within it. */
export const OFFER_LIFE_MS = MINUTE_MS

/** Renewed twice and a bit within its life, so that one lost renewal costs nothing. */
export const OFFER_RENEW_MS = 25 * SECOND_MS

/** Clocks of strangers differ; an offer may come from this far in the future. */
export const CLOCK_SKEW_MS = 10 * SECOND_MS

/** A tab provides a few models, not dozens: more is somebody filling the directory. */
export const MAX_OFFERS_PER_PEER = 8

/** About 1.2 KB each in memory: 24 MB at most for one relay. */
export const MAX_OFFERS = 20_000

/**
 * Of these, what relays may fill that are not admitted to gossip (`Bringer`), all together: 5,000 offers, five times what
 * a relay with all its reservations taken brings, and never a place that anybody else needs.
 */
export const STRANGERS_SHARE = 0.25

/** A consumer quotes 4 and keeps the rest for failover; four times that leaves room to filter. */
export const MAX_QUERY_OFFERS = 32

/**
 * How many peers a question may name that its asker knows already, so that it is told of others: three answers in full,
 * and what travels stays within what an older relay skips unread (`shared/wire/message.ts`).
 */
export const MAX_BESIDES = 100

/** A consumer's job runs at one provider and perhaps two; a page watches a few. */
export const MAX_WATCHED_PEERS = 32

/**
 * What a relay may tell a client that did not ask: that watched peers are gone, and answers that come too late. An honest
 * one tells of each peer once for each list that it was given, so these are two whole lists at once, and one a second.
 */
export const UNASKED_RATE = { burst: 2 * MAX_WATCHED_PEERS, perSecond: 1 } as const

/** A relay that sent more is not asked for so long, as one that is slow. */
export const FLOOD_REST_MS = MINUTE_MS

/** Requests on one directory stream: a burst for a page that starts, then what renewals and a live view need. */
export const DIRECTORY_RATE = { burst: 40, perSecond: 5 } as const

/** After this many refusals in a row for rate the stream is cut: it is a flood, not a mistake. */
export const MAX_RATE_REFUSALS = 50

/** Streams one peer may hold to the directory. A page needs one; a second one lives while a connection is replaced. */
export const MAX_DIRECTORY_STREAMS = 4

/** A directory stream with no request for this long is closed; the client opens it again when it needs it. */
export const DIRECTORY_IDLE_MS = 5 * MINUTE_MS

/**
 * How long the other relays have after the first one that named somebody. An honest relay answers within a round trip, a
 * third of a second round the world; who takes longer must not hold up a question whose providers are known.
 */
export const RELAY_GRACE_MS = 250

/** And so long one that was slower is not waited for, where others name somebody. */
export const SLOW_RELAY_MS = MINUTE_MS

/** How many candidates are asked for a live quote: power of k choices, k = 4 (docs/design-notes.md). */
export const QUOTED_CANDIDATES = 4

/**
 * After a relay's restart its providers dial it again within this, and its directory is empty until they have. A question
 * that finds nobody waits for them as long as a relay says so, and no longer than this by the asker's own clock.
 */
export const DIRECTORY_FILL_MS = 15 * SECOND_MS

/** So long a question that finds nobody waits for the first offer meanwhile: its asker gives up a second later. */
export const FILLING_QUERY_MS = ANSWER_DEADLINE_MS - SECOND_MS
