import { epochMillis, type EpochMillis } from '../../base/units.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Evidence weighs half after this long: a driver, a machine and its owner change. */
const HALF_LIFE_MS = 14 * DAY_MS

/** And half after this many more of its kind: what a provider did last counts for more than how long it has been there. */
const HALF_LIFE_EVENTS = 500

/** How often something went well and how often not, each time weighed and faded. */
export interface Counts {
  readonly good: number
  readonly bad: number
  /** When it was last faded. */
  readonly at: EpochMillis
}

export function noCounts(now: EpochMillis): Counts {
  return { good: 0, bad: 0, at: now }
}

/** What is left at `now` of evidence from `at`, 0 to 1. A clock that was put back fades nothing. */
export function leftOf(at: EpochMillis, now: EpochMillis): number {
  return 2 ** (-Math.max(0, now - at) / HALF_LIFE_MS)
}

/** What is left of it at `now`. */
export function faded({ good, bad, at }: Counts, now: EpochMillis): Counts {
  const left = leftOf(at, now)
  return { good: good * left, bad: bad * left, at: epochMillis(Math.max(now, at)) }
}

/** With one more event of this weight. */
export function counted(
  counts: Counts,
  { good = 0, bad = 0 }: { good?: number; bad?: number },
  now: EpochMillis,
): Counts {
  const left = faded(counts, now)
  const kept = 2 ** (-1 / HALF_LIFE_EVENTS)
  return { good: left.good * kept + good, bad: left.bad * kept + bad, at: left.at }
}

/** `theirs`, with what came to `ours` since both were `base`. */
export function joined(
  { base, ours, theirs }: { readonly base: Counts; readonly ours: Counts; readonly theirs: Counts },
  now: EpochMillis,
): Counts {
  const [from, to, sum] = [faded(base, now), faded(ours, now), faded(theirs, now)]
  return {
    good: sum.good + Math.max(0, to.good - from.good),
    bad: sum.bad + Math.max(0, to.bad - from.bad),
    at: sum.at,
  }
}
