import { KIB, MINUTE_MS } from '../../base/units.ts'

/** What is wanted now: a model that is in the news is seen within minutes. */
export const DEMAND_QUARTER_MS = 15 * MINUTE_MS
/** What is wanted on a day, whatever the hour. */
export const DEMAND_DAY_MS = 24 * 60 * MINUTE_MS

/** Models in a relay's record: beyond these a tab would hardly be asked. Eighteen take some 950 bytes. */
export const MAX_DEMAND_MODELS = 18
/** A record travels as one optional field, see `MAX_OPTIONAL_VALUE`. */
export const MAX_DEMAND_BYTES = KIB

/** A record is made anew after this long, and of no use after that. */
export const DEMAND_RECORD_MS = MINUTE_MS
export const DEMAND_LIFE_MS = 10 * MINUTE_MS
