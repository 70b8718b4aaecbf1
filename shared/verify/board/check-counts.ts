import type { Clock } from '../../base/clock.ts'
import { MINUTE_MS } from '../../base/units.ts'
import { OUTCOMES, type Outcome } from '../verdict.ts'
import { COUNTED_HOURS } from './constants.ts'

const HOUR_MS = 60 * MINUTE_MS

/** How many checks came to what. */
export type OutcomeCount = Readonly<Record<Outcome, number>>

/** Checks within the last day: of all verifiers, and of those alone who had stake. Names are free, and so are counts. */
export interface CheckCount {
  readonly all: OutcomeCount
  readonly staked: OutcomeCount
}

interface Hour {
  readonly at: number
  readonly all: Record<Outcome, number>
  readonly staked: Record<Outcome, number>
}

/** Counts by the hour, so that a day of any traffic takes the same little room. */
export class CheckCounts {
  readonly #clock: Clock
  #hours: Hour[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(outcome: Outcome, isStaked: boolean): void {
    this.#forget()
    const at = this.#hour
    let hour = this.#hours.at(-1)
    if (hour?.at !== at) {
      hour = { at, all: nothing(), staked: nothing() }
      this.#hours.push(hour)
    }
    hour.all[outcome]++
    if (isStaked) hour.staked[outcome]++
  }

  get lastDay(): CheckCount {
    this.#forget()
    const sum = (of: 'all' | 'staked'): OutcomeCount => {
      const count = nothing()
      for (const hour of this.#hours) for (const outcome of OUTCOMES) count[outcome] += hour[of][outcome]
      return count
    }
    return { all: sum('all'), staked: sum('staked') }
  }

  /** By time that does not jump. */
  get #hour(): number {
    return Math.floor(this.#clock.monotonic() / HOUR_MS)
  }

  #forget(): void {
    const first = this.#hour - COUNTED_HOURS + 1
    this.#hours = this.#hours.filter(({ at }) => at >= first)
  }
}

function nothing(): Record<Outcome, number> {
  return { agrees: 0, differs: 0, inconclusive: 0 }
}
