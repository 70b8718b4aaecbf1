import type { ModelHash } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'

/** A model that this device could lend. */
export interface WantedCandidate {
  readonly model: ModelHash
  /** Its share of all that is wanted, 0 to 1. */
  readonly share: number
  /** Others who have it loaded. */
  readonly loaded: number
  /** What a token brings here, in any unit that is the same for all. */
  readonly price: number
  /** Tokens a second that this device would write. */
  readonly tokensPerSecond: number
  /** How long it takes to fetch and load it here, in seconds: its size over the line, or little where it is on disk. */
  readonly loadSeconds: number
  /** Whether it fits this device. */
  readonly fits: boolean
}

/**
 * A model that is lent is left only for one that is worth so many times as much: loading costs time in which nothing is
 * lent, and everybody's figures are a minute old.
 *
 * @internal
 */
export const SWAP_GAIN = 1.5

/** A model that was loaded is lent for about so long, in seconds: its loading is weighed against that. */
const USUAL_STAY_S = 3600

/**
 * What lending a model is worth:
 *
 *     (D ÷ (R + 1)) × price × rate × stay ÷ (stay + load)
 *
 * the demand that is left for one more provider, times what it earns in the part of an hour that is left after loading.
 * Zero for what does not fit, or nobody wants.
 *
 * Loading counts for the time that it takes, not for its bytes: dividing by the size draws all tabs to small models. In
 * the trace of `demand-trace.test.ts` that left 33 % of the requests without a loaded provider, this leaves 9 %.
 *
 * @internal
 */
export function worthOf({
  share,
  loaded,
  price,
  tokensPerSecond,
  loadSeconds,
  fits,
}: WantedCandidate): number {
  if (!fits) return 0
  return (share / (loaded + 1)) * price * tokensPerSecond * (USUAL_STAY_S / (USUAL_STAY_S + loadSeconds))
}

/**
 * The model to lend next; undefined when nobody wants any that fits.
 *
 * Drawn with a chance in proportion to its worth, which is the softmax of its logarithm. The best one is not simply
 * taken: all tabs see the same figures, and would all load the same model, as they do when they take the most popular
 * (`demand-trace.test.ts` measures it). What is lent now stays unless the draw is worth `SWAP_GAIN` times as much.
 *
 * @param current what this device lends now; it is not counted among the `loaded` of its candidate
 */
export function wantedModel(
  candidates: readonly WantedCandidate[],
  { random, current }: { random: Random; current?: ModelHash | undefined },
): ModelHash | undefined {
  const worths = candidates.map((candidate) => ({ model: candidate.model, worth: worthOf(candidate) }))
  const drawn = draw(worths, random)
  const held = worths.find(({ model }) => model === current)
  if (!drawn || (held && drawn.worth < SWAP_GAIN * held.worth)) return held?.model ?? drawn?.model
  return drawn.model
}

function draw<T extends { readonly worth: number }>(of: readonly T[], random: Random): T | undefined {
  const total = of.reduce((sum, { worth }) => sum + worth, 0)
  const word = new DataView(random.bytes(4).buffer).getUint32(0)
  let rest = (word / 2 ** 32) * total
  for (const each of of) {
    rest -= each.worth
    if (rest < 0) return each
  }
  return of.findLast(({ worth }) => worth > 0)
}
