import type { Envelope, Limits } from './envelope.ts'

/**
 * By Chebyshev's inequality two logits, each off by `d` (root of the mean square), differ by more than 200 × d in fewer
 * than 2 / 200² = 1 of 20,000 draws, whatever the form of the errors: half of the least rate that anything is held to.
 */
const REACH = 200
/** Halves hide what is nearer than this: of 200 times as much no margin counts as far. */
const LEAST_DISTANCE = 1e-4
/**
 * What the filters keep is cut where a sum of probabilities passes a bound, or between two logits in their order. Where
 * each logit is off by `d`, the sum is off by about (1 - topP) × d / temperature, so that this part of `d` of the draws
 * is ruled out by one machine and not by the other at topP 0.95 and temperature 0.2. At higher ones it is less.
 */
const RULED_OUT_PER_LOGIT = 0.25

/**
 * The margins and rates that answers are held to where logits lie `distance` apart (root of the mean square, in logits).
 * How far two machines lie apart is seen in the sketches, which the provider bound itself to: two that agree to a
 * thousandth of a logit do not choose differently by a tenth. So limits that hold for any machine are narrower for
 * those that lie near one another, and a token that is wrong is told from one that fell the other way.
 */
export function limitsAt(
  { margins, differs }: Pick<Envelope, 'margins' | 'differs'>,
  distance: number,
): Pick<Envelope, 'margins' | 'differs'> {
  const far = Math.min(margins.far, Math.max(margins.near, REACH * Math.max(LEAST_DISTANCE, distance)))
  const least = RULED_OUT_PER_LOGIT * Math.min(distance, differs.sketchDistance)
  const rate = (name: 'off' | 'far' | 'beyond'): number => Math.min(1, Math.max(differs[name], least))
  const rates: Omit<Limits, 'sketchDistance' | 'largestSketchDistance'> = {
    ...{ off: rate('off'), far: rate('far'), beyond: rate('beyond') },
  }
  return { margins: { ...margins, far }, differs: { ...differs, ...rates } }
}
