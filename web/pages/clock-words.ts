import { MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { plural } from '../ui/format.ts'

/** Less is no trouble to anybody. */
const TOLD_CLOCK_MS = 30 * SECOND_MS

/** Said on every page where this computer's clock is off by so much that a person would see it. */
export function clockWords(aheadMs: number): string | undefined {
  if (Math.abs(aheadMs) < TOLD_CLOCK_MS) return undefined
  const way = aheadMs > 0 ? 'behind' : 'ahead of'
  return `This computer’s clock is ${clockSpan(Math.abs(aheadMs))} ${way} the relay’s. This page goes by the relay’s clock, so you can go on. Check which of the two is wrong.`
}

function clockSpan(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS)
  if (minutes < 1) return plural(Math.round(ms / SECOND_MS), 'second')
  if (minutes < 120) return plural(minutes, 'minute')
  const hours = Math.round(minutes / 60)
  return hours < 48 ? plural(hours, 'hour') : plural(Math.round(hours / 24), 'day')
}
