import type { ModelHash, PeerName } from '../../base/ids.ts'
import type { EpochMillis, Millis } from '../../base/units.ts'
import type { Task } from '../../models/task.ts'
import { noCounts, type Counts } from './counts.ts'
import type { Difference } from './differences.ts'
import type { CheckOutcome, DifferenceKind } from './heard.ts'
import type { Word } from './words.ts'

export interface Quarantine {
  readonly at: EpochMillis
  readonly what: DifferenceKind
  /** This consumer found it; else a peer said so, whom it had asked. */
  readonly isOwn: boolean
  /** It holds for this one alone; undefined: for all that the provider lends. */
  readonly model?: ModelHash | undefined
}

/** Both as one: the newer, and where they are of two models, for all. */
export function joinedQuarantine(one: Quarantine, other: Quarantine): Quarantine {
  const newer = one.at >= other.at ? one : other
  return one.model === other.model ? newer : { ...newer, model: undefined }
}

/** What is remembered of one provider. */
export interface Entry {
  /** Checks by this consumer's own engine, and answers that it saw end too early. */
  integrity: Counts
  /** What this consumer's own engine found last. */
  own: readonly Word[]
  /** What others found, by who they are: with a stake, or asked by this consumer. */
  readonly told: Map<PeerName, readonly Word[]>
  /** Jobs that were served to their end, and those that were not. */
  availability: Counts
  /** First tokens that came within twice what was quoted, and those that did not. */
  quotes: Counts
  /** Failures of the last minutes, faded. Of this session alone, as a monotonic clock is. */
  failures: number
  /** Tokens a second that it was seen to write. Of this session alone: a machine changes, and a short look is enough. */
  speed: number
  failedAt: Millis
  readonly slowness: Partial<Record<Task, number>>
  differences: readonly Difference[]
  quarantine: Quarantine | undefined
  /** Somebody says that it cheats, and that was not looked at here. */
  accusedAt: EpochMillis | undefined
  /** When a check by this consumer's own engine last said something. */
  checkedAt: EpochMillis | undefined
  /** Plain totals, for who reads the record. */
  readonly totals: { served: number; failed: number } & Record<CheckOutcome, number>
}

export function newEntry(now: EpochMillis, failedAt: Millis): Entry {
  return {
    ...{
      integrity: noCounts(now),
      own: [],
      told: new Map(),
      availability: noCounts(now),
      quotes: noCounts(now),
    },
    ...{ failures: 0, failedAt, speed: 0, slowness: {}, differences: [] },
    ...{ quarantine: undefined, accusedAt: undefined, checkedAt: undefined },
    totals: { served: 0, failed: 0, agrees: 0, differs: 0, inconclusive: 0 },
  }
}
