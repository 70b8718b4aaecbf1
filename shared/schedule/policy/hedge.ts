import type { Random } from '../../base/random.ts'
import { millis, SECOND_MS, type Millis } from '../../base/units.ts'
import type { Offer } from '../offer.ts'
import { evenFrom } from './beta.ts'

/**
 * So many second jobs for each question. Without a cap, hedges of a busy network make it busier: simulated, at 80 % load
 * 43 % of the questions were hedged and the first token came after 38 s instead of 14 s (docs/design-notes.md).
 */
const SHARE = 0.03

/** Questions that were quick save up for this many that are not. */
const MOST_SAVED = 3

/** Above this use of a model's places every second job takes somebody's first one. */
const MOST_USE = 0.75

/** No first token is waited for less long than this before another provider is asked. */
const LEAST_WAIT_MS = 3 * SECOND_MS

/** How far first tokens lie behind their prediction, of the last questions; and what is assumed before there are some. */
const SEEN = 64
const FEW_SEEN = 20
const USUAL_P95 = 2

/**
 * When a second provider is asked for the same answer, because the first one does not begin: after the 95th percentile of
 * what is predicted, for 3 % of the questions (Dean and Barroso, _The tail at scale_, CACM 2013).
 */
export class HedgeBudget {
  readonly #ratios: number[] = []
  #saved: number

  /** It begins with a part of a hedge by chance: so many tabs that ask one question each keep to the share together. */
  constructor(random: Random) {
    this.#saved = evenFrom(random)()
  }

  /** A question is asked. */
  asked(): void {
    this.#saved = Math.min(MOST_SAVED, this.#saved + SHARE)
  }

  /** Takes one second job, where there is one left and the model's places are not too busy. */
  take(use: number): boolean {
    if (this.#saved < 1 || use > MOST_USE) return false
    this.#saved--
    return true
  }

  /** A first token came. */
  began({ observedMs, expectedMs }: { observedMs: Millis; expectedMs: Millis }): void {
    this.#ratios.push(observedMs / Math.max(1, expectedMs))
    if (this.#ratios.length > SEEN) this.#ratios.shift()
  }

  /** How long the first token is waited for. `expectedMs`: as predicted, with the provider's slowness. */
  waitMs(expectedMs: Millis): Millis {
    const sorted = this.#ratios.toSorted((a, b) => a - b)
    const p95 =
      sorted.length < FEW_SEEN ? USUAL_P95 : (sorted[Math.ceil(0.95 * sorted.length) - 1] ?? USUAL_P95)
    return millis(Math.max(LEAST_WAIT_MS, p95 * expectedMs))
  }
}

/** How much of the places of a model is taken, by its offers: 0 to 1, and more where jobs wait. */
export function useOf(offers: readonly Pick<Offer, 'slots' | 'busySlots'>[]): number {
  const slots = offers.reduce((sum, each) => sum + each.slots, 0)
  return slots === 0 ? 1 : offers.reduce((sum, each) => sum + each.busySlots, 0) / slots
}
