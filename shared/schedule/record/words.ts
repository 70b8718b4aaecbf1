import type { JobId } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'
import { leftOf } from './counts.ts'
import type { DifferenceKind } from './heard.ts'

/** Of one finder about one provider: older ones say little that the newest do not. */
export const MAX_WORDS = 20

/** What somebody found of one answer. */
export interface Word {
  readonly jobId: JobId
  readonly at: EpochMillis
  /** Undefined where it agrees. */
  readonly differs: DifferenceKind | undefined
}

/**
 * With one more, in the place of what the same finder said of the same answer before. Praise makes room first: it costs
 * nothing, and must push out no accusation.
 *
 * @returns the same list where it says nothing new: a replay, or one that is older than all that is kept
 */
export function withWord(known: readonly Word[], word: Word): readonly Word[] {
  const same = known.find(({ jobId }) => jobId === word.jobId)
  if (same && same.at >= word.at) return known
  const all = [...known.filter((each) => each !== same), word].sort(byAge)
  if (all.length <= MAX_WORDS) return all
  const gone = all.find(({ differs }) => differs === undefined) ?? all[0]
  return gone === word ? known : all.filter((each) => each !== gone)
}

/** The same in whatever order they came. */
function byAge(a: Word, b: Word): number {
  return a.at - b.at || (a.jobId < b.jobId ? -1 : 1)
}

/** How often it agreed and how often not, each time faded. */
export function weighed(
  words: readonly Word[],
  now: EpochMillis,
): { readonly good: number; readonly bad: number } {
  let [good, bad] = [0, 0]
  for (const { at, differs } of words) {
    if (differs === undefined) good += leftOf(at, now)
    else bad += leftOf(at, now)
  }
  return { good, bad }
}

/**
 * Whether one of two must be wrong: both decided, and otherwise. What a provider opens it may open to one and not to
 * another, so that says nothing of who read it.
 */
export function contradict(one: Word, other: Word): boolean {
  if (one.jobId !== other.jobId || one.differs === 'openings' || other.differs === 'openings') return false
  return (one.differs === undefined) !== (other.differs === undefined)
}
