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

/** All open quotes of a provider, about 300 bytes each. Beyond it everyone is refused until some expire. */
export const MAX_OPEN_QUOTES = 1024

/** How often one consumer may ask: bursts for retries, then two a second. */
export const QUOTE_RATE = { burst: 20, perSecond: 2 } as const

/**
 * Quotes a provider makes in all, whoever asks. Identities are free, so the limit per consumer alone would let a
 * stranger with many keys keep a tab busy signing; 50 signatures a second take well under 2 % of a core. It stands in
 * for a limit per address, which a provider does not know (`QuoteDesk`).
 */
export const QUOTE_RATE_TOTAL = { burst: 200, perSecond: 50 } as const

/** A consumer's quote streams open at once on one connection. */
export const MAX_QUOTE_STREAMS = 4

/** The longest prompt we carry, in tokens: it leaves room for one token of the answer. */
export const MAX_PROMPT_TOKENS = MAX_TEXT_TOKENS - 1

/** The longest answer one job may ask for. */
export const MAX_OUTPUT_TOKENS = 8192
