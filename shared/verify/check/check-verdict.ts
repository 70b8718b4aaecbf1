import { equalBytes } from '../../base/bytes.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Proven } from '../../stream/transcript.ts'
import { envelopeHash, type Envelope } from '../calibration/envelope.ts'
import { sketchAt } from '../statistics/sketch-distance.ts'
import type { Findings, Verdict } from '../verdict.ts'
import { findingsOf, marginsIn } from './findings.ts'
import { decide, isSignedWhole, openedIn, type Openings } from './judge.ts'
import { bindOwnSketches } from './own-sketches.ts'

/** A verdict with what its verifier shows for it. */
export interface ShownVerdict {
  readonly verdict: Verdict
  /** Sixteen halves for each token. */
  readonly own: Uint16Array
  readonly salt: Uint8Array
  /** Of each token, as the verifier says; undefined where it does not say them. */
  readonly margins?: readonly number[] | undefined
  /** What was opened to it. */
  readonly opened: Openings
  /** What it must be about: a transcript that was verified. */
  readonly proven: Proven
  readonly envelope: Envelope
}

/** The same sums in the same order give the same bits; this is for who may add otherwise one day. */
const SAME = 1e-9

/**
 * Reckons a verdict again from what the verifier shows: that it is about this answer, that its own sketches are those
 * which it was bound to, and that outcome and numbers follow from them. So one who always agrees, or takes the
 * provider's sketches for its own, is found out without a model. Whether its margins are right, only a model shows.
 *
 * @throws InfernetError `verify.bad-verdict` with the reason
 */
export function checkVerdict(shown: ShownVerdict): void {
  const { verdict, own, salt, proven, envelope, opened } = shown
  refuseUnless(verdict.jobId === proven.jobId && verdict.provider === proven.provider, 'job')
  refuseUnless(equalBytes(verdict.head, proven.head), 'chain')
  refuseUnless(proven.question === undefined || proven.question.model === verdict.model, 'model')
  refuseUnless(equalBytes(verdict.envelope, envelopeHash(envelope)), 'envelope')
  const count = proven.tokens.length
  refuseUnless(own.length === count * SKETCH_SIZE, 'sketches')
  refuseUnless(equalBytes(bindOwnSketches(own, salt), verdict.commitment), 'commitment')
  const again = numbersAgain(shown, count)
  refuseUnless(sameNumbers(verdict.findings, again), 'numbers')
  const isSigned = isSignedWhole(proven.roots, proven.from, count)
  const { outcome, reason, difference } = decide(verdict.findings, { isSigned, opened, envelope })
  const isSame = outcome === verdict.outcome && reason === verdict.reason && difference === verdict.difference
  refuseUnless(isSame, 'outcome')
}

function numbersAgain(
  { verdict, own, margins, opened, proven, envelope }: ShownVerdict,
  count: number,
): Findings {
  const { from } = proven
  const scores = proven.tokens.map((_, at) => ({ margin: 0, sketch: sketchAt(own, at) }))
  const found = findingsOf({
    ...{ scores, from, envelope, opened: openedIn(opened) },
  })
  const { tokens, margins: counts, largestMargin, meanMargin } = verdict.findings
  refuseUnless(margins === undefined || margins.length === count, 'margins')
  const said = { tokens, margins: counts, largestMargin, meanMargin }
  return { ...found, ...(margins ? marginsIn(margins, envelope, found) : { ...said, tokens: count }) }
}

function sameNumbers(said: Findings, again: Findings): boolean {
  const numbers = (findings: Findings): readonly number[] => [
    ...[findings.tokens, ...findings.margins, findings.largestMargin, findings.meanMargin],
    ...[findings.opened, findings.sketchDistance, findings.largestSketchDistance],
  ]
  const expected = numbers(again)
  return numbers(said).every((value, i) => {
    const other = expected[i] ?? NaN
    return Math.abs(value - other) <= SAME * Math.max(1, Math.abs(other))
  })
}

function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw new InfernetError('verify.bad-verdict', { reason })
}
