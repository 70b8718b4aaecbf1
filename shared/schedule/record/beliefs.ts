import type { EpochMillis } from '../../base/units.ts'
import { drawBeta } from '../policy/beta.ts'
import { faded, type Counts } from './counts.ts'
import type { Entry } from './entry.ts'
import type { Stakes } from './heard.ts'
import { weighed } from './words.ts'

/** One integrity failure weighs as many successes as this: a cheat is right most of the time (docs/design-notes.md). */
export const FAILURE_WEIGHT = 20

/** What others found counts half of what this consumer found itself. */
const TOLD_WEIGHT = 0.5

/** Parameters of a beta distribution: what is believed, and how surely. */
export interface Belief {
  readonly a: number
  readonly b: number
}

/** A stranger's tab serves nine jobs of ten, and keeps nine quotes of ten, until it is known better. */
const USUALLY_KEPT: Belief = { a: 9, b: 1 }

/** Nothing is known of its integrity; one without the least stake has less to lose. */
const STAKED_PRIOR: Belief = { a: 1, b: 1 }
const UNSTAKED_PRIOR: Belief = { a: 1, b: 2 }

/** Own and told evidence together, the told one by the auditors' stakes; of each auditor so much as is kept of it (`words.ts`). */
export function integrityOf(
  entry: Entry | undefined,
  { isStaked, stakes, now }: { isStaked: boolean; stakes: Stakes; now: EpochMillis },
): Belief {
  let { a, b } = isStaked ? STAKED_PRIOR : UNSTAKED_PRIOR
  if (!entry) return { a, b }
  const own = faded(entry.integrity, now)
  a += own.good
  b += own.bad
  for (const [auditor, words] of entry.told) {
    const weight = TOLD_WEIGHT * Math.min(1, stakes.of(auditor)?.share ?? 0)
    if (weight === 0) continue
    const { good, bad } = weighed(words, now)
    a += weight * good
    b += weight * FAILURE_WEIGHT * bad
  }
  return { a, b }
}

/** Of jobs served, or of quotes kept. */
export function keptOf(counts: Counts | undefined, now: EpochMillis): Belief {
  if (!counts) return USUALLY_KEPT
  const { good, bad } = faded(counts, now)
  return { a: USUALLY_KEPT.a + good, b: USUALLY_KEPT.b + bad }
}

export function expected({ a, b }: Belief): number {
  return a / (a + b)
}

export function drawn({ a, b }: Belief, even: () => number): number {
  return drawBeta(a, b, even)
}
