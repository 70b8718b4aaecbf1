import { SECOND_MS } from '../base/units.ts'

/** After this long without a direct path the job goes over the relay, within its byte budget. */
export const DIRECT_PATH_DEADLINE_MS = 8 * SECOND_MS

/** The relayed path needs one round trip through the relay and a Noise handshake. */
export const RELAYED_PATH_DEADLINE_MS = 6 * SECOND_MS

/** So long a provider that does not answer at all is waited for: directly first, then over its relay. */
export const SILENT_PROVIDER_MS = DIRECT_PATH_DEADLINE_MS + RELAYED_PATH_DEADLINE_MS
