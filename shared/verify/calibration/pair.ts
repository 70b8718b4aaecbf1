import * as v from 'valibot'
import { integer, real } from '../../wire/fields.ts'
import { wilsonInterval } from '../statistics/binomial.ts'
import { verifierClassSchema, type Findings, type VerifierClass } from '../verdict.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)
const logits = real(0, 1e6)
/** A rate, and the bounds that hold it in 95 of 100 such measurements (Wilson). */
const rateSchema = v.strictObject({ rate: real(0, 1), low: real(0, 1), high: real(0, 1) })

/** Honest checks of one class's answers by another class. */
export const pairSchema = v.strictObject({
  provider: verifierClassSchema,
  verifier: verifierClassSchema,
  checks: count,
  tokens: count,
  /** Tokens by their margin, as in a verdict. */
  margins: v.strictTuple([count, count, count, count]),
  off: rateSchema,
  far: rateSchema,
  beyond: rateSchema,
  /** Sketches that were compared. */
  opened: count,
  /** Of the checks: the middle one, the one that 99 of 100 do not exceed, and the largest; in logits. */
  sketchDistance: v.strictObject({ median: logits, p99: logits, largest: logits }),
  /** Of any single token, in logits. */
  largestSketchDistance: logits,
})
export type Pair = v.InferOutput<typeof pairSchema>

/** Sums up what honest checks of a pair of classes found. At least one. */
export function sumUpPair(
  provider: VerifierClass,
  verifier: VerifierClass,
  checks: readonly Findings[],
): Pair {
  const sum = (read: (findings: Findings) => number): number =>
    checks.reduce((total, findings) => total + read(findings), 0)
  const [same, near, far, beyond] = ([0, 1, 2, 3] as const).map((i) => sum(({ margins }) => margins[i])) as [
    number,
    number,
    number,
    number,
  ]
  const tokens = sum((findings) => findings.tokens)
  const distances = checks.map(({ sketchDistance }) => sketchDistance).toSorted((a, b) => a - b)
  return {
    ...{ provider, verifier, checks: checks.length, tokens, margins: [same, near, far, beyond] },
    off: wilsonInterval(near + far + beyond, tokens),
    far: wilsonInterval(far + beyond, tokens),
    beyond: wilsonInterval(beyond, tokens),
    opened: sum(({ opened }) => opened),
    sketchDistance: {
      median: quantile(distances, 0.5),
      p99: quantile(distances, 0.99),
      largest: distances.at(-1) ?? 0,
    },
    largestSketchDistance: Math.max(...checks.map((findings) => findings.largestSketchDistance)),
  }
}

/** The value that a part of the sorted ones does not exceed. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0
}
