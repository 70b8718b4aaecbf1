import type { PeerName } from '../../base/ids.ts'
import { goldenDistance, type GoldenSketches } from './golden-sketches.ts'

/** A provider and the record that it published. */
export interface PublishedGolden {
  readonly provider: PeerName
  readonly golden: GoldenSketches
}

/** Machines that compute alike. */
export interface GoldenClass {
  /** The largest class first; in it in the order in which they came. */
  readonly members: readonly PeerName[]
  /** What its members say that they are, the most frequent first: none of it is shown by anything. */
  readonly said: readonly string[]
  /** The record of its first member, to measure distances between classes by (`goldenDistance`). */
  readonly golden: GoldenSketches
}

/**
 * Machines by what their sketches show: one class is what no member lies farther from its nearest neighbour than
 * `within`. Whatever somebody says of its adapter plays no part.
 *
 * @param within in logits. @default 0: the same to the bit, as one build on one kind of machine is
 */
export function classesOf(
  records: readonly PublishedGolden[],
  { within = 0 }: { readonly within?: number } = {},
): readonly GoldenClass[] {
  let groups: PublishedGolden[][] = []
  for (const record of records) {
    const near = groups.filter((group) => group.some((other) => isNear(record, other, within)))
    groups = [...groups.filter((group) => !near.includes(group)), [...near.flat(), record]]
  }
  return groups
    .toSorted((a, b) => b.length - a.length)
    .flatMap((group) => {
      const [first] = group
      return first
        ? [{ members: group.map(({ provider }) => provider), said: saidBy(group), golden: first.golden }]
        : []
    })
}

function isNear(one: PublishedGolden, other: PublishedGolden, within: number): boolean {
  const distance = goldenDistance(one.golden, other.golden)
  return distance !== undefined && distance.mean <= within
}

function saidBy(group: readonly PublishedGolden[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { golden } of group) {
    const said = `${golden.class.backend} ${golden.class.adapter}`
    counts.set(said, (counts.get(said) ?? 0) + 1)
  }
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([said]) => said)
}
