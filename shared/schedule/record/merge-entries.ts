import type { PeerName } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'
import { joined } from './counts.ts'
import { withDifference } from './differences.ts'
import { joinedQuarantine, type Entry } from './entry.ts'
import { withWord, type Word } from './words.ts'

export type Entries = ReadonlyMap<PeerName, Entry>

/** Two who began with the same and each saw something since: what was common, what one knows, and what the other one does. */
interface Three<T> {
  readonly base: T
  readonly ours: T
  readonly theirs: T
}

/**
 * What both know: what came to `ours` since `base`, and `theirs`. So what both have from `base` counts once, and what one
 * alone saw is not lost. Who one of them has forgotten is still known to the other.
 *
 * @param fresh an entry of whom nothing is known
 * @returns those that were met last come last
 */
export function mergeEntries(
  { base, ours, theirs }: Three<Entries>,
  { now, fresh }: { readonly now: EpochMillis; readonly fresh: () => Entry },
): Map<PeerName, Entry> {
  const merged = new Map(theirs)
  for (const [provider, entry] of ours) {
    const other = theirs.get(provider)
    merged.delete(provider)
    const three = other && { base: base.get(provider) ?? fresh(), ours: entry, theirs: other }
    merged.set(provider, three ? mergeEntry(three, now) : entry)
  }
  return merged
}

function mergeEntry(three: Three<Entry>, now: EpochMillis): Entry {
  const { base, ours, theirs } = three
  const counts = (of: 'integrity' | 'availability' | 'quotes') =>
    joined({ base: base[of], ours: ours[of], theirs: theirs[of] }, now)
  const checkedAt = latest(ours.checkedAt, theirs.checkedAt)
  return {
    ...{ integrity: counts('integrity'), availability: counts('availability'), quotes: counts('quotes') },
    own: union(ours.own, theirs.own),
    told: mergeTold(ours.told, theirs.told),
    // Of this session alone.
    ...{ failures: ours.failures, failedAt: ours.failedAt, speed: ours.speed },
    slowness: mergeSlowness(three),
    differences: theirs.differences.reduce(withDifference, ours.differences),
    quarantine: mergeQuarantine(three),
    accusedAt: mergeAccused(three, checkedAt),
    checkedAt,
    totals: mergeTotals(three),
  }
}

function union(ours: readonly Word[], theirs: readonly Word[]): readonly Word[] {
  return theirs.reduce(withWord, ours)
}

function mergeTold(ours: Entry['told'], theirs: Entry['told']): Entry['told'] {
  const merged = new Map(theirs)
  for (const [verifier, words] of ours) merged.set(verifier, union(words, theirs.get(verifier) ?? []))
  return merged
}

/** The worse of two that were seen since. */
function mergeSlowness({ base, ours, theirs }: Three<Entry>): Entry['slowness'] {
  const merged = { ...theirs.slowness }
  for (const task of ['text-generation', 'feature-extraction'] as const) {
    const [before, own, other] = [base, ours, theirs].map(({ slowness }) => slowness[task])
    if (own === undefined || own === before) continue
    merged[task] = other === before ? own : Math.max(own, other ?? 1)
  }
  return merged
}

/** Whoever changed it knows more; of two who did, both as one, and one that ended says less than a new one. */
function mergeQuarantine({ base, ours, theirs }: Three<Entry>): Entry['quarantine'] {
  const [before, own, other] = [base, ours, theirs].map(({ quarantine }) => quarantine)
  if (own?.at === before?.at) return other
  if (other?.at === before?.at) return own
  if (!own || !other) return own ?? other
  return joinedQuarantine(own, other)
}

function mergeAccused(
  { base, ours, theirs }: Three<Entry>,
  checkedAt: EpochMillis | undefined,
): Entry['accusedAt'] {
  const [before, own, other] = [base, ours, theirs].map(({ accusedAt }) => accusedAt)
  const accusedAt = own === before ? other : other === before ? own : latest(own, other)
  return accusedAt !== undefined && checkedAt !== undefined && checkedAt > accusedAt ? undefined : accusedAt
}

function mergeTotals({ base, ours, theirs }: Three<Entry>): Entry['totals'] {
  const sum = (of: keyof Entry['totals']): number =>
    theirs.totals[of] + Math.max(0, ours.totals[of] - base.totals[of])
  return {
    ...{ served: sum('served'), failed: sum('failed') },
    ...{ agrees: sum('agrees'), differs: sum('differs'), inconclusive: sum('inconclusive') },
  }
}

function latest(one: EpochMillis | undefined, other: EpochMillis | undefined): EpochMillis | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one > other ? one : other
}
