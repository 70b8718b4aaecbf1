import { MIB, MINUTE_MS, SECOND_MS, millis } from '../../base/units.ts'

/** A hub sends a request to its storage by one redirect, a mirror by two. */
export const MAX_REDIRECTS = 5

/** From one byte to the next, headers included: a slow line still sends something. */
export const SILENCE_MS = millis(30 * SECOND_MS)

/** Hugging Face counts requests in windows of five minutes, so the end of any window is waited for. */
export const MAX_WAIT_MS = 5 * MINUTE_MS
/** Where a source says that it is busy and not for how long; doubled each time. */
export const USUAL_WAIT_MS = 5 * SECOND_MS
export const MAX_WAITS = 5

/** A card with its tags; the largest seen are below one megabyte. */
export const MAX_CARD_BYTES = 8 * MIB
/** One page of a listing; the hub sends 1,000 files, some 300 bytes each. */
export const MAX_PAGE_BYTES = 4 * MIB
export const MAX_PAGES = 20
/** Repositories of models have tens of files. */
export const MAX_LISTED_FILES = 10_000

/** config.json and its kind, which are read whole. */
export const MAX_JSON_BYTES = 4 * MIB

/** Texts of a licence that travel with the model. */
export const MAX_LICENCE_TEXT_BYTES = MIB / 4
