import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import type { Engine } from '#shared/engine/engine.ts'

/** While pulls overlap the engine never rests by itself, so after this much work new pulls wait for the others. */
const MAX_WORK_MS = 250

/**
 * Lets an engine compute at most a share of the time: after each stretch of work it rests in proportion.
 *
 * The engine is pulled and computes nothing far ahead, so waiting before a pull is resting. `share` is asked each
 * time, (0, 1]; the visitor may move the slider while an answer is written.
 *
 * @example
 * const polite = limitDuty(engine, { clock }, () => 0.7)
 */
export function limitDuty(engine: Engine, components: { clock: Clock }, share: () => number): Engine {
  const gate = createGate(components.clock, share)
  return {
    info: engine.info,
    lost: engine.lost,
    close: () => engine.close(),
    score: (request, options) => engine.score(request, options),
    async *generate(request, options = {}) {
      const batches = engine.generate(request, options)
      try {
        for (;;) {
          await gate.enter(options.signal)
          const step = await batches.next().finally(() => gate.leave())
          if (step.done) return
          yield step.value
        }
      } finally {
        await batches.return()
      }
    },
  }
}

/** Counts the time in which at least one pull runs, and holds new ones back until the rest that it costs is over. */
function createGate(clock: Clock, share: () => number) {
  let running = 0
  let workSince = 0
  let restUntil = 0
  let lastLeft: (() => void)[] = []

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const now = clock.monotonic()
      if (running > 0 && share() < 1 && now - workSince > MAX_WORK_MS) {
        await new Promise<void>((resolve) => lastLeft.push(resolve))
        continue
      }
      if (running > 0 || now >= restUntil) break
      await sleep(clock, millis(restUntil - now), { signal })
    }
    if (running === 0) workSince = clock.monotonic()
    running++
  }

  function leave(): void {
    running--
    if (running > 0) return
    const now = clock.monotonic()
    const part = Math.min(1, Math.max(0.05, share()))
    restUntil = now + (now - workSince) * (1 / part - 1)
    const waiting = lastLeft
    lastLeft = []
    for (const wake of waiting) wake()
  }

  return { enter, leave }
}
