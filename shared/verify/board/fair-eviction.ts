/** What is kept of somebody in a book that strangers write into. */
export interface Kept {
  /** Who signed it. */
  readonly owner: string
  /** Who may stand behind several names, e.g. a network address. */
  readonly group: string
  /** Whether its owner had stake when it came. */
  readonly isStaked: boolean
  /** Rises with each entry; one that is renewed keeps its own. */
  readonly sequence: number
}

/** Whom an entry is counted with: names cost nothing, so that only who has stake is counted alone. */
export function crowdOf({ owner, group, isStaked }: Kept): string {
  return isStaked ? `staked ${owner}` : `group ${group}`
}

/**
 * The entry that has to go where one more does not fit: of the largest crowd, and of those without stake before any with
 * it. So a thousand free names push out one another, not what the staked and the few keep.
 *
 * @param keeps `older`: the newest of that crowd goes, so that who was there first stays; `newer`: the eldest
 * @returns undefined where there is none
 */
export function victimOf<Entry extends Kept>(
  entries: Iterable<Entry>,
  keeps: 'older' | 'newer',
): Entry | undefined {
  const crowds = new Map<string, { size: number; victim: Entry }>()
  const goesBefore = (a: Entry, b: Entry): boolean =>
    keeps === 'older' ? a.sequence > b.sequence : a.sequence < b.sequence
  for (const entry of entries) {
    const name = crowdOf(entry)
    const crowd = crowds.get(name)
    if (!crowd) crowds.set(name, { size: 1, victim: entry })
    else {
      crowd.size++
      if (goesBefore(entry, crowd.victim)) crowd.victim = entry
    }
  }
  let worst: { size: number; victim: Entry } | undefined
  for (const crowd of crowds.values()) if (!worst || isWorse(crowd, worst)) worst = crowd
  return worst?.victim

  function isWorse(a: { size: number; victim: Entry }, b: { size: number; victim: Entry }): boolean {
    if (a.victim.isStaked !== b.victim.isStaked) return b.victim.isStaked
    return a.size === b.size ? goesBefore(a.victim, b.victim) : a.size > b.size
  }
}
