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
  /** Ends it because it does not begin: its events fail. */
  readonly giveUp: () => void
}

/** What a run's job told, or why it ended without `done`. */
export type RunEvent =
  | { readonly type: 'event'; readonly run: Run; readonly event: JobEvent }
  | { readonly type: 'failed'; readonly run: Run; readonly thrown: unknown }

/** Who else is asked while no job has begun, and when. */
export interface Others {
  /** From now until another job is to be opened. Asked at first, and after each `open`. */
  waitMs(): Millis
  /** Undefined where nobody may be asked. It never rejects. */
  open(): Promise<Run | undefined>
}

/** Each further one would take a place from somebody who waits for it. */
const MOST_AT_ONCE = 2

type Pulled = RunEvent | { readonly type: 'over'; readonly run: Run }
type Step = Pulled | { readonly type: 'due' } | { readonly type: 'opened'; readonly run: Run | undefined }

/**
 * One job, and a second one where the first is slow to begin; a third one takes the place of the eldest. Whose first token
 * comes first writes the answer; the other is told to stop at once, and what it still signs is waited for behind the
 * answer, not in front of it.
 *
 * Until then one of them leads, and what the other tells is held back: whoever follows an answer sees one provider.
 */
export class Contest {
  readonly #pulls = new Map<Run, Promise<Pulled>>()
  /** All that were opened, in order. */
  readonly #opened: Run[]
  #held: RunEvent[] = []
  readonly #stopped: Promise<Run>[] = []
  readonly #overtaken: Run[] = []
  #leader: Run
  #isWon = false
  #opening: Promise<Step> | undefined

  constructor(first: Run) {
    this.#leader = first
    this.#opened = [first]
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
  async *events(clock: Clock, others: Others): AsyncGenerator<RunEvent, void, void> {
    let due = dueAfter(clock, others.waitMs())
    try {
      while (!this.isOver) {
        const steps: Promise<Step>[] = [...this.#pulls.values()]
        if (this.#opening) steps.push(this.#opening)
        else if (!this.#isWon) steps.push(due.step)
        const step = await Promise.race(steps)
        if (step.type === 'due') {
          this.#opening = others.open().then((run): Step => ({ type: 'opened', run }))
        } else if (step.type === 'opened') {
          this.#take(step.run)
          due = dueAfter(clock, others.waitMs())
        } else {
          this.#pulls.delete(step.run)
          for (const event of this.#told(step)) {
            yield event
            if (event.type === 'event' && event.event.type === 'done') return
          }
          if (step.type === 'event') this.#pull(step.run)
        }
      }
    } finally {
      due.stop()
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
    return this.#heldOf(next)
  }

  #heldOf(run: Run): RunEvent[] {
    const [held, others] = [true, false].map((isOf) =>
      this.#held.filter((each) => (each.run === run) === isOf),
    )
    this.#held = others ?? []
    return held ?? []
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
    return isNew ? this.#heldOf(run) : []
  }

  #take(run: Run | undefined): void {
    this.#opening = undefined
    if (!run) return
    if (this.#isWon) return this.#leave(run) // it was opened a moment too late
    const eldest = this.#opened.find((each) => this.#pulls.has(each))
    this.#opened.push(run)
    if (!eldest) this.#leader = run
    else if (this.#pulls.size >= MOST_AT_ONCE) eldest.giveUp()
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

function dueAfter(clock: Clock, delay: Millis): { step: Promise<Step>; stop: () => void } {
  const { promise: step, resolve } = Promise.withResolvers<Step>()
  const timer = clock.schedule(delay, () => resolve({ type: 'due' }))
  return { step, stop: () => timer.stop() }
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
