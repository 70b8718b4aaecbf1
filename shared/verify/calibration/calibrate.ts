import { goldenDistance, type GoldenSketches } from '../golden/golden-sketches.ts'
import { limitsWithin } from './calibration-file.ts'
import type { Limits, Profile } from './envelope.ts'
import { quantile } from './pair.ts'

/** A golden record, and what is known of who published it. */
export interface StakedGolden {
  /** Whoever holds the stake: one operator counts once, however many machines it has. */
  readonly operator: string
  readonly isStaked: boolean
  readonly golden: GoldenSketches
}

/** What golden records say of how far honest machines lie apart. */
export interface CalibratedSketches extends Pick<Limits, 'sketchDistance' | 'largestSketchDistance'> {
  /** Operators whose records count. */
  readonly operators: number
  /** Of them, those that lie nearest to all others: they decide. */
  readonly kept: number
}

/** Fewer operators can be one person. */
const MIN_OPERATORS = 10
/**
 * Part of the operators that is left out, those that lie farthest from the others: more than a third may lie, and the
 * honest ones that go with them are only called unseen.
 */
const TRIMMED = 0.4

/**
 * Limits of what agrees, from golden records of one model: of staked operators only, one record each (its newest), without
 * the farthest. Undefined of too few. Whatever is published, they stay below the hard limits of the profile, which
 * differing is judged by.
 *
 * The distance of a record is the median of those to all others, so that a third who lie alike are still far from most.
 */
export function calibrate(
  records: readonly StakedGolden[],
  profile: Profile,
): CalibratedSketches | undefined {
  const newest = new Map<string, GoldenSketches>()
  for (const { operator, isStaked, golden } of records) {
    const known = newest.get(operator)
    if (isStaked && (!known || golden.at > known.at)) newest.set(operator, golden)
  }
  const all = [...newest.values()]
  if (all.length < MIN_OPERATORS) return undefined
  const kept = all
    .map((golden) => ({ golden, far: medianDistance(golden, all) }))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, Math.ceil((1 - TRIMMED) * all.length))
    .map(({ golden }) => golden)
  const pairs = kept.flatMap((one, i) => kept.slice(i + 1).map((other) => distanceOf(one, other)))
  const seen = {
    sketchDistance: Math.max(...pairs.map(({ mean }) => mean)),
    largestSketchDistance: Math.max(...pairs.map(({ largest }) => largest)),
  }
  return { ...limitsWithin(seen, profile), operators: all.length, kept: kept.length }
}

function medianDistance(golden: GoldenSketches, all: readonly GoldenSketches[]): number {
  const others = all.filter((other) => other !== golden)
  return quantile(
    others.map((other) => distanceOf(golden, other).mean).toSorted((a, b) => a - b),
    0.5,
  )
}

/** Records of other golden answers lie as far apart as can be, so that they are left out. */
function distanceOf(
  one: GoldenSketches,
  other: GoldenSketches,
): { readonly mean: number; readonly largest: number } {
  return goldenDistance(one, other) ?? { mean: Number.MAX_VALUE, largest: Number.MAX_VALUE }
}
