/** A class of machines that give the same numbers. */
export interface DistanceClass {
  /** Where it stands in the table of distances. */
  readonly at: number
  readonly letter: string
  /** What its machines say of themselves. */
  readonly says: string
  readonly machines: string
}

/** Below it two machines give the same numbers to the last bits; in logits. */
const LEAST = 1e-4
/** Other weights lie this far apart. */
const MOST = 1

/** As many are shown at first: more columns are wider than the page. */
export const FIRST_CLASSES = 8

/** How dark a distance is drawn, 0 to 1, by its logarithm: honest machines differ by factors of ten. */
export function shadeOf(distance: number): number {
  if (distance <= LEAST) return 0
  return Math.min(1, Math.log(distance / LEAST) / Math.log(MOST / LEAST))
}

/** 0.0021, so that figures of a table stand under one another. */
export function distanceWords(distance: number | undefined): string {
  if (distance === undefined) return '—'
  if (distance === 0) return '0'
  if (distance < 0.0001) return '<0.0001'
  return distance < 0.1 ? distance.toFixed(4) : distance.toFixed(2)
}
