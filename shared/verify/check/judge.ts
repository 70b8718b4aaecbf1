import type { TokenScore } from '../../engine/engine.ts'
import type { OpenedSketch } from '../../stream/sketch-tree.ts'
import type { SignedRoot } from '../../stream/transcript.ts'
import { limitsAt } from '../calibration/by-distance.ts'
import type { Envelope, Limits } from '../calibration/envelope.ts'
import { chanceOfAtLeast } from '../statistics/binomial.ts'
import type { Difference, Findings, InconclusiveReason, Outcome } from '../verdict.ts'
import { apartIn, countsBeyond, findingsOf, MIN_OPENED } from './findings.ts'

/** What a check came to, and the numbers that it came from. */
export interface Judgement {
  readonly outcome: Outcome
  readonly reason: InconclusiveReason | undefined
  readonly difference: Difference | undefined
  readonly findings: Findings
}

/**
 * The sketches that a provider opened, each shown to be one that it signed; `'forged'` where what it gave is not what it
 * signed, and `undefined` where it gave nothing.
 */
export type Openings = readonly OpenedSketch[] | 'forged' | undefined

/** What a verifier judges by. */
export interface Evidence {
  /** The verifier's own, in the order of the tokens. */
  readonly scores: readonly TokenScore[]
  /** Position in the answer of the first token. */
  readonly from: number
  readonly roots: readonly SignedRoot[]
  readonly opened: Openings
  readonly envelope: Envelope
}

/** Fewer tokens show too little to vouch for them. @internal Who asks for a check may know before. */
export const MIN_TOKENS = 32
/** A right machine at the hard limits is accused once in a million checks, for each of the three counts. */
const FALSE_ALARM = 1e-6
/** One within what was measured is left undecided once in a thousand. */
const FALSE_DOUBT = 1e-3

/**
 * Says what a check comes to. The same numbers give the same judgement everywhere.
 *
 * It differs where tokens or sketches are beyond what any right machine shows; enough of that is enough, however short
 * the answer. It agrees where everything is signed, enough was opened, and all lies within what was measured. All else
 * accuses nobody.
 */
export function judge({ scores, from, roots, opened, envelope }: Evidence): Judgement {
  const found = findingsOf({ scores, from, envelope, opened: openedIn(opened) })
  return decide(found, { isSigned: isSignedWhole(roots, from, scores.length), opened, envelope })
}

/** The last step of {@link judge}, from the numbers that a verdict holds. */
export function decide(
  findings: Findings,
  {
    isSigned,
    opened,
    envelope,
  }: { readonly isSigned: boolean; readonly opened: Openings; readonly envelope: Envelope },
): Judgement {
  const inconclusive = (reason: InconclusiveReason): Judgement => ({
    ...{ outcome: 'inconclusive', reason, difference: undefined, findings },
  })
  const difference = differenceIn(findings, opened, limitsAt(envelope, apartIn(findings, envelope)).differs)
  if (difference) return { outcome: 'differs', reason: undefined, difference, findings }
  if (!isSigned) return inconclusive('no-commitments')
  if (findings.tokens < MIN_TOKENS) return inconclusive('too-short')
  if (findings.opened < MIN_OPENED) return inconclusive('withheld')
  if (!areSketchesWithin(findings, envelope.agrees)) return inconclusive('unseen-pair')
  if (!areTokensWithin(findings, envelope.agrees, FALSE_DOUBT)) return inconclusive('between')
  return { outcome: 'agrees', reason: undefined, difference: undefined, findings }
}

/** The sketches that were opened as they were signed. */
export function openedIn(openings: Openings): readonly OpenedSketch[] {
  return openings === undefined || openings === 'forged' ? [] : openings
}

/** Whether each of `count` tokens from `from` on stands under a root. */
export function isSignedWhole(roots: readonly SignedRoot[], from: number, count: number): boolean {
  const signed = roots
    .filter(({ root }) => root !== undefined)
    .toSorted((a, b) => a.from - b.from)
    .reduce((end, range) => (range.from <= end ? Math.max(end, range.from + range.count) : end), from)
  return signed >= from + count
}

function differenceIn(findings: Findings, opened: Openings, limits: Limits): Difference | undefined {
  if (!areTokensWithin(findings, limits, FALSE_ALARM)) return 'tokens'
  if (opened === 'forged') return 'openings'
  return areSketchesWithin(findings, limits) ? undefined : 'sketches'
}

/** Whether a machine at the limits has at least `chance` of so many such tokens. */
function areTokensWithin({ tokens, margins }: Findings, limits: Limits, chance: number): boolean {
  const counts = countsBeyond(margins)
  return (['off', 'far', 'beyond'] as const).every(
    (name) => chanceOfAtLeast(counts[name], tokens, limits[name]) >= chance,
  )
}

function areSketchesWithin(findings: Findings, limits: Limits): boolean {
  return (
    findings.sketchDistance <= limits.sketchDistance &&
    findings.largestSketchDistance <= limits.largestSketchDistance
  )
}
