import { MINUTE_MS } from '#shared/base/units.ts'

/** How often a tab pings its relay: `MONITOR_PING_MS` of `web/mesh`, which may not be imported from here. */
export const TAB_PING_MS = MINUTE_MS
