import type { ErrorCode } from '../../errors/code-table.ts'
import type { InfernetError } from '../../errors/infernet-error.ts'

/** What an origin means when it says it: the same question gets the same answer. */
const DEFINITE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'models.corrupt',
  'models.origin-differs',
  'origin.changed',
  'origin.faulty',
  'origin.gated',
  'origin.not-as-listed',
  'origin.not-found',
])
/** Below 500 and yet of this moment alone: it waited too long, it is asked too early, it is asked too often. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429])
/** From 500 on and yet for ever: not implemented, and a version of HTTP that is not spoken. */
const LASTING_STATUSES: ReadonlySet<number> = new Set([501, 505])
/** Of a source that gave no status. */
const PASSING_WORDS: ReadonlySet<string> = new Set(['no answer', 'cut off', 'the connection broke'])

/**
 * Whether the same question may get another answer soon: nobody answered, the connection broke, or the origin is busy or
 * has a fault of its own. What is missing, forbidden or of other bytes stays so, and asking again only costs time.
 */
export function mayPass({ code, facts: { status } }: InfernetError): boolean {
  if (code !== 'models.unavailable') return !DEFINITE.has(code)
  if (typeof status === 'number')
    return status >= 500 ? !LASTING_STATUSES.has(status) : PASSING_STATUSES.has(status)
  return status === undefined || PASSING_WORDS.has(String(status))
}
