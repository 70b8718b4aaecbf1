import type { Clock } from '../../base/clock.ts'
import { SECOND_MS } from '../../base/units.ts'
import { hasCode, type InfernetError } from '../../errors/infernet-error.ts'
import { MAX_WAIT_MS } from '../origin/limits.ts'
import { mayPass } from '../origin/may-pass.ts'
import { MAX_ORIGIN_FAILURES, ORIGIN_RETRY_MS } from './constants.ts'

/**
 * `now`: it may not be asked at this moment. `away`: it will not be asked soon, so that others have their turn. `gone`:
 * there is no hope of it either.
 */
export type TroubleView = 'now' | 'away' | 'gone'

interface Trouble {
  readonly failures: number
  readonly retryAt: number
  /** It said itself when it can be asked again, and that is soon enough to wait for. */
  readonly isBusy: boolean
}

/** What went wrong with an origin's files, and when each may be asked for again. */
export class OriginTroubles {
  readonly #clock: Clock
  readonly #troubles = new Map<string, Trouble>()
  readonly #wrong = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Files whose bytes were others. */
  get wrongFiles(): number {
    return this.#wrong.size
  }

  /** A definite answer is the last one of this download: the next origin need not wait for another. */
  note(path: string, error: InfernetError): void {
    if (hasCode(error, 'models.origin-differs')) this.#wrong.add(path)
    const failures = (this.#troubles.get(path)?.failures ?? 0) + 1
    if (!mayPass(error)) {
      this.#troubles.set(path, { failures: MAX_ORIGIN_FAILURES, retryAt: Infinity, isBusy: false })
      return
    }
    const usualMs = failures >= MAX_ORIGIN_FAILURES ? ORIGIN_RETRY_MS : (SECOND_MS / 2) * 2 ** (failures - 1)
    const toldMs = hasCode(error, 'origin.busy') ? Number(error.facts['seconds'] ?? 0) * SECOND_MS : 0
    const retryAt = this.#clock.monotonic() + Math.max(usualMs, toldMs)
    this.#troubles.set(path, { failures, retryAt, isBusy: toldMs > 0 && toldMs <= MAX_WAIT_MS })
  }

  /** Right bytes came. */
  forget(path: string): void {
    this.#troubles.delete(path)
  }

  bars(path: string, view: TroubleView): boolean {
    const trouble = this.#troubles.get(path)
    if (!trouble || trouble.retryAt <= this.#clock.monotonic()) return false
    const { failures, isBusy } = trouble
    if (view === 'now') return true
    // One that failed seldom is about to be tried again; with many failures it counts as gone meanwhile.
    return view === 'away'
      ? isBusy || failures >= MAX_ORIGIN_FAILURES
      : !isBusy && failures >= MAX_ORIGIN_FAILURES
  }
}
