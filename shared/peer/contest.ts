import type { Clock } from '../base/clock.ts'
import type { Millis } from '../base/units.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { JobEvent, RunningJob } from '../stream/run-job.ts'

/** A job that writes the answer, or wants to. */
export interface Run {
  readonly assignment: Assignment
  readonly job: RunningJob
  readonly events: AsyncGenerator<JobEvent, void, void>
  readonly openedAt: Millis
  /** Ends this job alone. */
  readonly stop: () => void
}

/** What a run's job told, or why it ended without `done`. */
export type RunEvent =
  | { readonly type: 'event'; readonly run: Run; readonly event: JobEvent }
  | { readonly type: 'failed'; readonly run: Run; readonly thrown: unknown }

/** When a second job is opened, and how: undefined where nobody may be asked. It never rejects. */
export interface Hedge {
  readonly afterMs: Millis
  readonly open: () => Promise<Run | undefined>
}

type Pulled = RunEvent | { readonly type: 'over'; readonly run: Run }
type Step = Pulled | { readonly type: 'due' } | { readonly type: 'opened'; readonly run: Run | undefined }

/**
 * One job, and a second one where the first is slow to begin. Whose first token comes first writes the answer; the other
 * is told to stop at once, and what it still signs is waited for behind the answer, not in front of it.
 *
 * Until then one of them leads, and what the other tells is held back: whoever follows an answer sees one provider.
 */
export class Contest {
  readonly #pulls = new Map<Run, Promise<Pulled>>()
  readonly #held: RunEvent[] = []
  readonly #stopped: Promise<Run>[] = []
  readonly #overtaken: Run[] = []
  #leader: Run
  #isWon = false
  #opening: Promise<Step> | undefined

  constructor(first: Run) {
    this.#leader = first
    this.#pull(first)
  }

  /** Nothing runs, and nothing is being opened. */
  get isOver(): boolean {
    return this.#pulls.size === 0 && !this.#opening
  }

  /** Those that were told to stop, because another one was first. */
  get overtaken(): readonly Run[] {
    return this.#overtaken
  }

  /** The same, when each has ended: what they came to stands in their jobs. */
  ended(): Promise<Run[]> {
    return Promise.all(this.#stopped)
  }

  /** Runs until one is done or none is left. Whoever leaves the loop before stops all of them. */
  async *events(clock: Clock, { afterMs, open }: Hedge): AsyncGenerator<RunEvent, void, void> {
    const due = Promise.withResolvers<Step>()
    const timer = clock.schedule(afterMs, () => due.resolve({ type: 'due' }))
    let isDue = false
    try {
      while (!this.isOver) {
        const steps: Promise<Step>[] = [...this.#pulls.values()]
        if (this.#opening) steps.push(this.#opening)
        else if (!isDue && !this.#isWon) steps.push(due.promise)
        const step = await Promise.race(steps)
        if (step.type === 'due') {
          isDue = true
          this.#opening = open().then((run): Step => ({ type: 'opened', run }))
        } else if (step.type === 'opened') this.#take(step.run)
        else {
          this.#pulls.delete(step.run)
          for (const event of this.#told(step)) {
            yield event
            if (event.type === 'event' && event.event.type === 'done') return
          }
          if (step.type === 'event') this.#pull(step.run)
        }
      }
    } finally {
      timer.stop()
      void this.#opening?.then((step) => step.type === 'opened' && step.run && this.#leave(step.run))
      for (const run of this.#pulls.keys()) run.stop() // it waits for a frame, and would not hear of the end
      const runs = new Set([this.#leader, ...this.#pulls.keys()])
      await Promise.all([...runs].map((run) => run.events.return().catch(() => undefined)))
    }
  }

  /** What is to be told now, in order. */
  #told(step: Pulled): RunEvent[] {
    const { run } = step
    if (step.type === 'over') return []
    if (step.type === 'failed') return run === this.#leader ? [step, ...this.#followed()] : [step]
    const isFirst = !this.#isWon && (step.event.type === 'tokens' || step.event.type === 'done')
    if (!isFirst && run !== this.#leader) {
      this.#held.push(step)
      return []
    }
    const held = isFirst ? this.#wins(run) : []
    return [...held, step]
  }

  /** The leader failed before its first token: the other one leads, with all that it told. */
  #followed(): RunEvent[] {
    const [next] = this.#pulls.keys()
    if (!next) return []
    this.#leader = next
    return this.#held.splice(0)
  }

  #wins(run: Run): RunEvent[] {
    this.#isWon = true
    for (const [other, pull] of this.#pulls) {
      this.#pulls.delete(other)
      this.#overtaken.push(other)
      other.stop()
      this.#stopped.push(ended(other, pull))
    }
    const isNew = run !== this.#leader
    this.#leader = run
    const held = this.#held.splice(0)
    return isNew ? held : []
  }

  #take(run: Run | undefined): void {
    this.#opening = undefined
    if (!run) return
    if (this.#isWon) return this.#leave(run) // it was opened a moment too late
    if (this.#pulls.size === 0) this.#leader = run
    this.#pull(run)
  }

  #leave(run: Run): void {
    run.stop()
    this.#stopped.push(ended(run, pulled(run)))
  }

  #pull(run: Run): void {
    this.#pulls.set(run, pulled(run))
  }
}

function pulled(run: Run): Promise<Pulled> {
  return run.events.next().then(
    ({ done, value }): Pulled => (done ? { type: 'over', run } : { type: 'event', run, event: value }),
    (thrown: unknown): Pulled => ({ type: 'failed', run, thrown }),
  )
}

/** Reads a stopped job to its end, which its own deadline bounds. */
async function ended(run: Run, pull: Promise<Pulled>): Promise<Run> {
  const { type } = await pull
  try {
    if (type === 'event') for await (const event of run.events) void event
  } catch {
    // Stopped, as it was told.
  }
  return run
}
