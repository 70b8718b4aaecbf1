import type { TokenScore } from '../../engine/engine.ts'
import { limitsAt } from '../calibration/by-distance.ts'
import type { Envelope } from '../calibration/envelope.ts'
import type { OpenedSketch } from '../../stream/sketch-tree.ts'
import { sketchDistance } from '../statistics/sketch-distance.ts'
import type { Findings, MarginCounts } from '../verdict.ts'

/** Fewer opened sketches show too little of how far two machines lie apart. */
export const MIN_OPENED = 16

/** What is found in a check: numbers alone, which say nothing yet. */
export interface Compared {
  /** The verifier's own, of the tokens from `from` on. */
  readonly scores: readonly TokenScore[]
  /** Position in the answer of the first token that was read. */
  readonly from: number
  /** Of positions that were read; each counts once, and others not at all. */
  readonly opened: readonly OpenedSketch[]
  readonly envelope: Envelope
}

/** Puts the margins into categories, and compares the opened sketches with the verifier's own. */
export function findingsOf({ scores, from, opened, envelope }: Compared): Findings {
  const theirs = new Map(opened.map(({ position, sketch }) => [position - from, sketch]))
  const pairs: (readonly [Uint16Array, Uint16Array])[] = []
  for (const [at, { sketch }] of scores.entries()) {
    const other = theirs.get(at)
    if (other) pairs.push([sketch, other])
  }
  const { tokens, mean, largest } = sketchDistance(pairs)
  const sketches = { opened: tokens, sketchDistance: mean, largestSketchDistance: largest }
  const all = scores.map(({ margin }) => margin)
  return { ...marginsIn(all, envelope, sketches), ...sketches }
}

/**
 * How far the logits of two machines lie apart. Where too little was opened, they may lie as far apart as any that were
 * measured, and where none were, as far as any may.
 */
export function apartIn(
  { opened, sketchDistance: seen }: Pick<Findings, 'opened' | 'sketchDistance'>,
  { agrees, differs }: Pick<Envelope, 'agrees' | 'differs'>,
): number {
  return opened >= MIN_OPENED ? seen : agrees.sketchDistance || differs.sketchDistance
}

/**
 * The part of the findings that follows from the margins alone, in the order of the tokens.
 *
 * @param all `Infinity` for what the filters rule out
 */
export function marginsIn(
  all: readonly number[],
  envelope: Envelope,
  sketches: Pick<Findings, 'opened' | 'sketchDistance'>,
): Pick<Findings, 'tokens' | 'margins' | 'largestMargin' | 'meanMargin'> {
  const { near, far, clip } = limitsAt(envelope, apartIn(sketches, envelope)).margins
  const counts: [number, number, number, number] = [0, 0, 0, 0]
  let largestMargin = 0
  let sum = 0
  for (const margin of all) {
    counts[categoryOf(margin, near, far)]++
    if (Number.isFinite(margin)) largestMargin = Math.max(largestMargin, margin)
    sum += Math.min(margin, clip)
  }
  return { tokens: all.length, margins: counts, largestMargin, meanMargin: sum / Math.max(1, all.length) }
}

function categoryOf(margin: number, near: number, far: number): 0 | 1 | 2 | 3 {
  if (margin === 0) return 0
  if (margin <= near) return 1
  return margin <= far ? 2 : 3
}

/** How many tokens were not what the verifier would have drawn, and by more than each limit. */
export function countsBeyond([, near, far, beyond]: MarginCounts): {
  readonly off: number
  readonly far: number
  readonly beyond: number
} {
  return { off: near + far + beyond, far: far + beyond, beyond }
}
