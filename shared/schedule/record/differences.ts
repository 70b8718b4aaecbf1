import type { JobId } from '../../base/ids.ts'
import { MINUTE_MS, type EpochMillis } from '../../base/units.ts'
import type { DifferenceKind } from './heard.ts'

const DAY_MS = 24 * 60 * MINUTE_MS

/** After this long a difference is held against nobody: the machine may have another owner, driver and build. */
const REMEMBERED_MS = 90 * DAY_MS

/** More of one provider say nothing new. */
export const MAX_DIFFERENCES = 8

/** One answer that was found to differ, by this consumer itself or by an auditor with a stake. */
export interface Difference {
  readonly jobId: JobId
  readonly what: DifferenceKind
  readonly at: EpochMillis
  /** The auditor's; undefined where this consumer found it. */
  readonly auditor: { readonly operator: string; readonly class: string } | undefined
}

/** With one more, unless the same finder found the same answer to differ before. */
export function withDifference(known: readonly Difference[], found: Difference): readonly Difference[] {
  const isKnown = known.some(
    ({ jobId, auditor }) => jobId === found.jobId && auditor?.operator === found.auditor?.operator,
  )
  return isKnown ? known : [...known, found].slice(-MAX_DIFFERENCES)
}

/**
 * Whether two that do not depend on each other found it: this consumer in two answers, this consumer and an auditor, or
 * two auditors of different operators that run on different classes of machines. One driver may be wrong by itself, and
 * one operator may lie with many peers.
 */
export function areConfirmed(known: readonly Difference[], now: EpochMillis): boolean {
  const fresh = known.filter(({ at }) => now - at < REMEMBERED_MS)
  return fresh.some((one, index) => fresh.slice(index + 1).some((other) => isApart(one, other)))
}

function isApart(one: Difference, other: Difference): boolean {
  if (!one.auditor || !other.auditor) return true
  return one.auditor.operator !== other.auditor.operator && one.auditor.class !== other.auditor.class
}
