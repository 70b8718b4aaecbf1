/** However long a provider has been right, this share of its jobs is checked. */
const LEAST_RATE = 0.02

/** So many checks that agree bring the rate down by a factor e. */
const RATE_STEP = 10

/**
 * The share of a provider's jobs that is to be checked: all of a newcomer's, and 2 % of those of one that was right 40
 * times (docs/design-notes.md).
 *
 * @param passed checks that agreed since the last one that did not
 * @internal For the auditor.
 */
export function auditRate(passed: number): number {
  return Math.max(LEAST_RATE, Math.exp(-passed / RATE_STEP))
}
