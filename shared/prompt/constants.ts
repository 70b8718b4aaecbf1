import { MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { MAX_TEXT_TOKENS } from '../wire/limits.ts'
import { protocolId } from '../wire/versions.ts'

export const PROMPT_PROTOCOL = protocolId('prompt')

/** Long enough to compare four quotes over slow paths, short enough that a price cannot go stale. */
export const QUOTE_LIFE_MS = 10 * SECOND_MS

/**
 * The longest that a provider may say it has to load: 4 GB over a slow line. Who needs longer gives no quote, so that no
 * asker is held for longer than this by a word alone.
 */
export const MAX_LOAD_MS = 10 * MINUTE_MS

/** Quotes a consumer may hold open at one provider: one for the job, one for a retry, and the race between two tabs. */
export const MAX_QUOTES_PER_CONSUMER = 4

/**
 * All open quotes of a provider, about 300 bytes each: more than what the rates below let stand within a quote's life,
 * so that nobody fills it. As many names are remembered.
 */
export const MAX_OPEN_QUOTES = 1536

/** How often one consumer may ask: bursts for retries, then two a second. */
export const QUOTE_RATE = { burst: 20, perSecond: 2 } as const

/**
 * Quotes that a name may leave unused and count as new: one and a retry, then one in the life of a quote. Whoever asks
 * four providers for each question uses one quote of four.
 */
export const UNUSED_QUOTES_RATE = { burst: 2, perSecond: 1 / 10 } as const

/**
 * Quotes that a provider makes for names that are new, in all. Names are free, so the limit per consumer alone would let
 * a stranger with many keys keep a tab busy signing; 75 signatures a second, those for the others included, take some
 * 3 % of a core. Whoever wants to take this share needs 500 names, each with a connection here. It stands in for a
 * limit per address, which a provider does not know (`QuoteDesk`).
 */
export const QUOTE_RATE_NEW = { burst: 300, perSecond: 50 } as const

/** Quotes that it makes for the others in all: for those who hold some and use none, and who come for one more. */
export const QUOTE_RATE_OTHERS = { burst: 100, perSecond: 25 } as const

/** A consumer's quote streams open at once on one connection. */
export const MAX_QUOTE_STREAMS = 4

/** The longest prompt we carry, in tokens: it leaves room for one token of the answer. */
export const MAX_PROMPT_TOKENS = MAX_TEXT_TOKENS - 1

/** The longest answer one job may ask for. */
export const MAX_OUTPUT_TOKENS = 8192
