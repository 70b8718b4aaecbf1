import { MINUTE_MS, SECOND_MS } from '../../base/units.ts'
import { protocolId } from '../../wire/versions.ts'

/** A protocol of its own: a relay that does not speak it goes on being asked for offers as before. */
export const SEEDS_PROTOCOL = protocolId('seeds')

/** A record lives this long at most: whoever went without a word is asked in vain for no longer. */
export const SEEDS_LIFE_MS = 3 * MINUTE_MS
/** Renewed twice and a bit within its life, and at most this often when what is held changes. */
export const SEEDS_RENEW_MS = 75 * SECOND_MS
export const SEEDS_CHANGE_MS = 5 * SECOND_MS

/** Models in one record; about 50 bytes each. */
export const MAX_SEEDED_MODELS = 32
/** Ways to one seeder: its socket, or WebRTC through a relay or two. */
export const MAX_SEED_ADDRESSES = 4
/** Seeders in one answer: a download keeps no more, and 16 of the largest records stay below a frame. */
export const MAX_FOUND_SEEDERS = 16

/** Records that one relay keeps, one a peer; below 4 KB each. */
export const MAX_SEEDERS = 4096
/** Peers listed for one model, so that a crowd cannot make answers slow. */
export const MAX_SEEDERS_PER_MODEL = 1024

/** Requests of one peer: a page that starts several downloads, then one each few seconds. */
export const SEEDS_RATE = { burst: 30, perSecond: 1 } as const
/** Each stream holds one request. */
export const MAX_SEEDS_STREAMS = 4
