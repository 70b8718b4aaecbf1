import { KIB, MIB, MINUTE_MS } from '../../base/units.ts'
import { protocolId } from '../../wire/versions.ts'

/** A protocol of its own: a relay that does not speak it goes on being asked for offers as before. */
export const RECORDS_PROTOCOL = protocolId('records')

const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Clocks of strangers differ by minutes; a record may come from this far in the future. */
export const RECORD_SKEW_MS = 5 * MINUTE_MS

/** A golden record stands for a day at most: drivers and browsers change under a machine. */
export const GOLDEN_LIFE_MS = DAY_MS
/** Models that one provider describes: as many as it offers. */
export const MAX_GOLDEN_PER_PROVIDER = 8
/** Providers of one model, so that a crowd cannot make answers slow. */
export const MAX_GOLDEN_PER_MODEL = 1024
/** Of providers without stake behind one network address: a household, or a small hall of machines. */
export const MAX_GOLDEN_PER_GROUP = 128
/** In all, and their bytes: the largest are 8 KiB each. */
export const MAX_GOLDEN_RECORDS = 4096
export const MAX_GOLDEN_BYTES = 16 * MIB
/** In one answer: seven of the largest records stay below a frame. */
export const MAX_FOUND_GOLDEN = 6

/** A verdict is told soon after it was made. What is older is a replay, or comes from a clock that is wrong. */
export const VERDICT_FRESH_MS = HOUR_MS
/** It is served for a week: a provider of last week may run on another machine today. */
export const VERDICT_LIFE_MS = 7 * DAY_MS
/** A verdict has about 700 bytes; names in other scripts take more. */
export const MAX_VERDICT_BYTES = 1.5 * KIB
/** About one provider. All of them stay below a frame. */
export const MAX_VERDICTS_PER_PROVIDER = 20
/** About one provider by one verifier, so that at least five have a say. */
export const MAX_VERDICTS_PER_VERIFIER = 4
/** Of verifiers without stake behind one network address. */
export const MAX_VERDICTS_PER_GROUP = 512
export const MAX_VERDICTS = 8192
/** Which verdicts came within the last hour: these are taken once. */
export const MAX_REMEMBERED_VERDICTS = 16_384

/** Hours that the counts look back. */
export const COUNTED_HOURS = 24

/** Requests of one peer: a page that opens the Network view, or an auditor after a round. */
export const RECORDS_RATE = { burst: 60, perSecond: 1 } as const
/** Requests of one network address: names are free, and a record takes about a millisecond to verify and to place. */
export const RECORDS_PLACE_RATE = { burst: 600, perSecond: 10 } as const
/** Peers whose rate is remembered. */
export const MAX_RATED_PEERS = 4096
/** Each stream holds one request. */
export const MAX_RECORDS_STREAMS = 4
