import type { Clock } from '../../base/clock.ts'
import type { ChainAddress, ModelHash } from '../../base/ids.ts'
import type { Millis } from '../../base/units.ts'
import { DEMAND_DAY_MS, DEMAND_QUARTER_MS, MAX_DEMAND_MODELS } from './constants.ts'

/** Payers that are remembered; at a few models each some 5 MB. */
const MAX_PAYERS = 10_000
/** Models of one payer that are told apart. Whoever asks more of them is counted for the last ones. */
const MAX_MODELS_PER_PAYER = 8

/** What payers settled for a model lately, in payers: 1 is one who settled a full share for nothing else. */
export interface ModelDemand {
  readonly model: ModelHash
  /** Fades by e in a quarter of an hour. */
  readonly quarter: number
  /** Fades by e in a day. */
  readonly day: number
}

interface Settled {
  quarter: number
  day: number
  at: Millis
}

/** A settled voucher, as the chain counted it. */
export interface Settlement {
  /** Whose deposit paid. */
  readonly payer: ChainAddress
  readonly model: ModelHash
  /** What was paid, in full shares: the amount over what a payer must settle to count for one. */
  readonly shares: number
}

/**
 * How much each model is wanted, from what was settled on the chain.
 *
 * Names cost nothing, so none is counted: neither peers nor jobs nor session keys, but the deposits that paid. Each payer
 * counts for
 *
 *     w = min(1, s),  s = what it settled lately ÷ one full share
 *
 * in all, parted among its models by what it settled for each. A payer that settles a thousand times as much counts no
 * more than one; and one who parts a full share among a thousand names or deposits counts as one, because below the
 * bound w is linear. A root or a logarithm per payer would not do: each is concave, so that parting pays (a thousandth
 * each under a root is 32 times as much: the collusion of quadratic funding, Buterin, Hitzig and Weyl 2019, section 5). To
 * count for two takes two full shares that crossed the chain, with its fees and gas.
 *
 * `s` is a sum that fades exponentially (EWMA) with a quarter of an hour, and another with a day.
 */
export class DemandMeter {
  readonly #clock: Clock
  readonly #payers = new Map<ChainAddress, Map<ModelHash, Settled>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** To be told of each voucher that the chain paid. */
  settled({ payer, model, shares }: Settlement): void {
    if (!(shares > 0) || !Number.isFinite(shares)) return
    const now = this.#clock.monotonic()
    const models = this.#payers.get(payer) ?? new Map<ModelHash, Settled>()
    const before = models.get(model)
    const faded = before ? fade(before, now) : { quarter: 0, day: 0 }
    // And to the end again: the first is the one that was not heard of for longest.
    models.delete(model)
    models.set(model, { quarter: faded.quarter + shares, day: faded.day + shares, at: now })
    forgetFirst(models, MAX_MODELS_PER_PAYER)
    this.#payers.delete(payer)
    this.#payers.set(payer, models)
    forgetFirst(this.#payers, MAX_PAYERS)
  }

  /** What is wanted most, in its order. */
  top(count = MAX_DEMAND_MODELS): readonly ModelDemand[] {
    const now = this.#clock.monotonic()
    const sums = new Map<ModelHash, { quarter: number; day: number }>()
    for (const models of this.#payers.values()) {
      const faded = Array.from(models, ([model, settled]) => ({ model, ...fade(settled, now) }))
      const [quarter, day] = [weightOf(faded, 'quarter'), weightOf(faded, 'day')]
      for (const each of faded) {
        const sum = sums.get(each.model) ?? { quarter: 0, day: 0 }
        sum.quarter += each.quarter * quarter
        sum.day += each.day * day
        sums.set(each.model, sum)
      }
    }
    return [...sums]
      .map(([model, sum]) => ({ model, ...sum }))
      .sort((a, b) => b.quarter + b.day - (a.quarter + a.day))
      .slice(0, count)
  }
}

/** What each of a payer's shares counts: all together at most one. */
function weightOf(of: readonly { quarter: number; day: number }[], span: 'quarter' | 'day'): number {
  return (
    1 /
    Math.max(
      1,
      of.reduce((sum, each) => sum + each[span], 0),
    )
  )
}

function fade({ quarter, day, at }: Settled, now: Millis): { quarter: number; day: number } {
  const ms = Math.max(0, now - at)
  return { quarter: quarter * Math.exp(-ms / DEMAND_QUARTER_MS), day: day * Math.exp(-ms / DEMAND_DAY_MS) }
}

function forgetFirst<K>(map: Map<K, unknown>, max: number): void {
  const first = map.keys().next()
  if (map.size > max && !first.done) map.delete(first.value)
}
