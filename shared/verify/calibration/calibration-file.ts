import * as v from 'valibot'
import { InfernetError } from '../../errors/infernet-error.ts'
import { dtypeSchema } from '../../models/manifest.ts'
import { epochMillisField, integer, line, list, real } from '../../wire/fields.ts'
import { tagOf } from '../../wire/versions.ts'
import { wilsonInterval } from '../statistics/binomial.ts'
import { limitsSchema, type Envelope, type Limits, type Profile } from './envelope.ts'
import { HARD_LIMITS } from './hard-limits.ts'
import { pairSchema, type Pair } from './pair.ts'

const MAX_PAIRS = 256

const calibrationSchema = v.strictObject({
  format: v.literal(tagOf('file', 'calibration')),
  profile: dtypeSchema,
  /** The model that was run. */
  model: line(60),
  at: epochMillisField,
  pairs: list(pairSchema, MAX_PAIRS),
  /** What golden records of staked operators said (`calibrate`), where there were any. */
  records: v.exactOptional(
    v.strictObject({
      operators: integer(0, 1e6),
      kept: integer(0, 1e6),
      sketchDistance: real(0, 1e6),
      largestSketchDistance: real(0, 1e6),
    }),
  ),
  agrees: limitsSchema,
})

/** What honest machines were measured to differ by, of one profile: `<profile>.json` beside this file. */
export type Calibration = v.InferOutput<typeof calibrationSchema>

/**
 * Machines that nobody measured are a little farther apart than those that somebody did: what agrees may be twice what
 * was seen.
 */
const UNSEEN = 2
/**
 * Nobody is asked to be nearer than halves round: of a logit between 16 and 32 the last digit is 1/64. Where machines
 * differ by 1e-4, one in 150 rounds to the other side: 1/64 × √(1/150) = 0.0013 on the whole, and with two of the sixteen
 * numbers of a token 0.0055.
 */
const ROUNDING = { sketchDistance: 0.002, largestSketchDistance: 0.008 } as const

/** What agrees, from what was measured, and never more than what differs. */
export function limitsFrom(pairs: readonly Pair[], profile: Profile, records?: SketchLimits): Limits {
  const hard = HARD_LIMITS[profile].differs
  const sum = (read: (pair: Pair) => number): number => pairs.reduce((total, pair) => total + read(pair), 0)
  const tokens = sum((pair) => pair.tokens)
  const rateOf = (from: 1 | 2 | 3): number =>
    tokens === 0
      ? 0
      : wilsonInterval(
          sum(({ margins }) => margins.slice(from).reduce((a, b) => a + b)),
          tokens,
        ).high
  const largest = (read: (pair: Pair) => number): number => Math.max(0, ...pairs.map(read))
  const measured = limitsWithin(
    {
      sketchDistance: largest((pair) => pair.sketchDistance.largest),
      largestSketchDistance: largest((pair) => pair.largestSketchDistance),
    },
    profile,
  )
  const wider = (name: keyof SketchLimits): number =>
    Math.max(measured[name], Math.min(hard[name], records?.[name] ?? 0))
  return {
    off: Math.min(hard.off, rateOf(1)),
    far: Math.min(hard.far, rateOf(2)),
    beyond: Math.min(hard.beyond, rateOf(3)),
    sketchDistance: wider('sketchDistance'),
    largestSketchDistance: wider('largestSketchDistance'),
  }
}

type SketchLimits = Pick<Limits, 'sketchDistance' | 'largestSketchDistance'>

/** What sketches of machines that agree may show, from the farthest that were seen. */
export function limitsWithin(seen: SketchLimits, profile: Profile): SketchLimits {
  const hard = HARD_LIMITS[profile].differs
  const limit = (name: keyof SketchLimits): number =>
    Math.min(hard[name], Math.max(ROUNDING[name], UNSEEN * seen[name]))
  return {
    sketchDistance: limit('sketchDistance'),
    largestSketchDistance: limit('largestSketchDistance'),
  }
}

/** The envelope of what was measured: the hard limits are those of the code, whatever a file says. */
export function envelopeOf({ profile, agrees }: Calibration): Envelope {
  const { margins, differs } = HARD_LIMITS[profile]
  const within = (name: keyof Limits): number => Math.min(agrees[name], differs[name])
  return {
    ...{ profile, margins, differs },
    agrees: {
      ...{ off: within('off'), far: within('far'), beyond: within('beyond') },
      sketchDistance: within('sketchDistance'),
      largestSketchDistance: within('largestSketchDistance'),
    },
  }
}

/** @throws InfernetError `verify.bad-calibration` for what has another form */
export function parseCalibration(value: unknown): Calibration {
  const parsed = v.safeParse(calibrationSchema, value)
  if (!parsed.success)
    throw new InfernetError('verify.bad-calibration', { reason: v.getDotPath(parsed.issues[0]) ?? 'form' })
  return parsed.output
}
