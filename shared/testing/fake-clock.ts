import type { Clock } from '../base/clock.ts'
import { epochMillis, millis, type EpochMillis, type Millis } from '../base/units.ts'

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs = 0
  readonly #origin: number
  readonly #timers = new Set<{ at: number; callback: () => void }>()

  constructor(origin = 1_800_000_000_000) {
    this.#origin = origin
  }

  now(): EpochMillis {
    return epochMillis(this.#origin + this.#nowMs)
  }

  monotonic(): Millis {
    return millis(this.#nowMs)
  }

  schedule(delay: Millis, callback: () => void): { stop(): void } {
    const timer = { at: this.#nowMs + delay, callback }
    this.#timers.add(timer)
    return { stop: () => void this.#timers.delete(timer) }
  }

  /** Moves time on and runs what is due, in order, letting promises settle between. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms
    for (;;) {
      await settle()
      const next = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.at)
      next.callback()
    }
    this.#nowMs = end
    await settle()
  }
}

/** Lets everything that waits for microtasks, streams and macrotasks go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 0))
}
