import { millis, MINUTE_MS, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { raceSignal, withDeadline } from '../base/wait.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import type { TestedEngine } from './create-engine.ts'
import {
  createEngineKeeper,
  type KeeperComponents,
  type Running,
  type StandingState,
} from './engine-keeper.ts'
import type { GenerateRequest, TokenBatch } from './engine.ts'
import { testServing } from './self-test/test-serving.ts'
import { stoppable } from './stoppable.ts'
import { createWatchdog, type Watchdog } from './watchdog.ts'

/**
 * How long a job waits for the next engine before it is handed back. Half of what a consumer's patience is
 * (`STALL_MS` of the stream): what was written has to be read again as well, and a quick refusal beats a late one.
 */
const RESUME_DEADLINE_MS = 45 * SECOND_MS

/**
 * An engine that was asked for tokens and gave none to anybody for this long hangs. Above what a consumer waits for a
 * token, so that a slow engine is never taken for a stuck one.
 */
const HANG_MS = 2 * MINUTE_MS

/** A job that was there at this many deaths may be the cause of them, and is handed back. */
const MAX_DEATHS = 2

/** A failure may overtake the news of the death that caused it. */
const NEWS_MS = SECOND_MS

/**
 * Numbers that are not numbers may come from a broken device, or from a stranger's odd prompt: for them the engine is
 * started and tested again, but not more often than this.
 */
const RETEST_AFTER_MS = 10 * MINUTE_MS

/** Requests that may wait for the next engine. Each pins its prompt. */
const MAX_WAITING = 64

export interface StandingInit {
  /** @default RESUME_DEADLINE_MS */
  readonly resumeDeadlineMs?: number | undefined
  /** @default two minutes */
  readonly hangMs?: number | undefined
}

/** An engine that is started again when it dies. `info` and `selfTest` are those of the newest one. */
export interface StandingEngine extends TestedEngine {
  readonly state: StandingState
  /** When the newest one passed its self-test. */
  readonly testedAt: EpochMillis
  /**
   * Runs the self-test of the newest engine again, as its start does; afterwards `testedAt` is newer. One that fails is
   * given up and no other is started: `state` ends with that. Where it dies meanwhile, the test of its successor counts.
   *
   * @throws InfernetError `engine.self-test-failed`, why there is no engine, or the signal's reason
   */
  testAgain(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Calls back after each change of `state` or `testedAt`. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

/**
 * An engine around one that may die (device lost, worker crash, hang): another one is started, and the running answers
 * go on in it from what they wrote. Tokens depend on the seed and the position alone, so nobody can see the seam.
 *
 * Jobs whose next engine does not come within a deadline are handed back with its failure. `lost` resolves only when
 * no engine could be started any more.
 *
 * @throws InfernetError what the first start throws
 *
 * @example
 * const engine = await createStandingEngine({ clock, start: (signal) => createNodeEngine(init, { signal }) })
 */
export async function createStandingEngine(
  components: KeeperComponents,
  { resumeDeadlineMs = RESUME_DEADLINE_MS, hangMs = HANG_MS }: StandingInit = {},
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<StandingEngine> {
  const { clock } = components
  const keeper = await createEngineKeeper(components, { signal })
  const closing = new AbortController()
  /** Of each engine, for all that is asked of it. */
  const watchdogs = new WeakMap<Running, Watchdog>()
  let waiting = 0
  let retestedAt = -RETEST_AFTER_MS

  function watchdogOf(running: Running): Watchdog {
    const hung = (): void => keeper.bury(running, new InfernetError('engine.crashed', { reason: 'hang' }))
    const watchdog = watchdogs.get(running) ?? createWatchdog(clock, hangMs, hung)
    watchdogs.set(running, watchdog)
    return watchdog
  }

  async function nextEngine(isNew: boolean, signal: AbortSignal): Promise<Running> {
    signal.throwIfAborted()
    if (keeper.state.stage === 'up') return keeper.latest
    // Jobs that ran before were let in once already.
    if (isNew && waiting >= MAX_WAITING) throw new InfernetError('engine.queue-full', { limit: MAX_WAITING })
    waiting++
    try {
      return await withDeadline(
        clock,
        millis(resumeDeadlineMs),
        () => reasonOf(keeper.state),
        (ending) => keeper.whenUp(ending),
        { signal },
      )
    } finally {
      waiting--
    }
  }

  async function* run(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<TokenBatch, void, void> {
    const read = [...request.priorTokens]
    for (let deaths = 0; ;) {
      const running = await nextEngine(deaths === 0, signal)
      const maxTokens = request.maxTokens - (read.length - request.priorTokens.length)
      // A copy: the engine goes on reading what it was given.
      const rest = { ...request, priorTokens: [...read], maxTokens }
      const batches = running.engine.generate(rest, { signal })
      try {
        for (let over = false; !over;) {
          const batch = await pull(running, batches)
          if (!batch) return
          read.push(...batch.tokens)
          over = batch.finish !== undefined
          yield batch
        }
        return
      } catch (thrown) {
        signal.throwIfAborted()
        if (!(await diedOf(running, thrown, signal)) || ++deaths > MAX_DEATHS) throw thrown
      } finally {
        const returned = batches.return().catch(() => undefined)
        // One that hangs would never come to its end.
        if (!running.life.signal.aborted) await returned
      }
    }
  }

  /** The whole of it again in the next engine: nothing of a scoring, or of some vectors, is of use before its end. */
  async function whole<T>(ask: (engine: TestedEngine) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let deaths = 0; ;) {
      const running = await nextEngine(deaths === 0, signal)
      const answered = watchdogOf(running).asked()
      try {
        return await raceSignal(ask(running.engine), running.life.signal)
      } catch (thrown) {
        signal.throwIfAborted()
        if (!(await diedOf(running, thrown, signal)) || ++deaths > MAX_DEATHS) throw thrown
      } finally {
        answered()
      }
    }
  }

  async function pull(
    running: Running,
    batches: AsyncGenerator<TokenBatch, void, void>,
  ): Promise<TokenBatch | undefined> {
    const answered = watchdogOf(running).asked()
    try {
      const { done, value } = await raceSignal(batches.next(), running.life.signal)
      return done ? undefined : value
    } finally {
      answered()
    }
  }

  /** Whether the failure is that of the engine and not of the request. */
  async function diedOf(running: Running, thrown: unknown, signal: AbortSignal): Promise<boolean> {
    const isDead = (): boolean => keeper.latest !== running || keeper.state.stage !== 'up'
    if (isDead()) return true
    const code = InfernetError.from(thrown).code
    if (code === 'engine.bad-logits') retest(running)
    if (REQUEST_FAILURES.has(code)) return false
    const late = (): Error => new InfernetError('engine.closed')
    await withDeadline(clock, millis(NEWS_MS), late, () => running.engine.lost, { signal }).catch(
      () => undefined,
    )
    return isDead()
  }

  async function testAgain(signal: AbortSignal): Promise<void> {
    const running = await nextEngine(true, signal)
    const { info, selfTest } = running.engine
    const engine: Pick<TestedEngine, 'info' | 'generate'> = {
      info,
      generate: (...asked) => watched(running, running.engine.generate(...asked)),
    }
    try {
      await testServing(engine, selfTest.golden, () => clock.monotonic(), { signal })
      keeper.passed(running)
    } catch (thrown) {
      signal.throwIfAborted()
      if (hasCode(thrown, 'engine.self-test-failed')) keeper.bury(running, thrown)
      // What is started in its place is tested by that.
      else if (await diedOf(running, thrown, signal)) return void (await nextEngine(false, signal))
      throw thrown
    }
  }

  async function* watched(
    running: Running,
    batches: AsyncGenerator<TokenBatch, void, void>,
  ): AsyncGenerator<TokenBatch, void, void> {
    try {
      for (let batch = await pull(running, batches); batch; batch = await pull(running, batches)) {
        yield batch
        if (batch.finish) return
      }
    } finally {
      const returned = batches.return().catch(() => undefined)
      if (!running.life.signal.aborted) await returned
    }
  }

  function retest(running: Running): void {
    const now = clock.monotonic()
    if (now - retestedAt < RETEST_AFTER_MS) return
    retestedAt = now
    keeper.bury(running, new InfernetError('engine.bad-logits'))
  }

  return {
    get info() {
      return keeper.latest.engine.info
    },
    get selfTest() {
      return keeper.latest.engine.selfTest
    },
    get testedAt() {
      return keeper.latest.testedAt
    },
    get state() {
      return keeper.state
    },
    lost: keeper.lost,
    onChange: (callback) => keeper.onChange(callback),
    generate(request, { signal } = {}) {
      const stop = new AbortController()
      const signals = [stop.signal, closing.signal, ...(signal ? [signal] : [])]
      return stoppable(run(request, AbortSignal.any(signals)), stop)
    },
    score: (request, { signal } = {}) => {
      const either = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])])
      return whole((engine) => engine.score(request, { signal: either }), either)
    },
    embed: (request, { signal } = {}) => {
      const either = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])])
      return whole((engine) => engine.embed(request, { signal: either }), either)
    },
    testAgain: ({ signal } = {}) => testAgain(AbortSignal.any([closing.signal, ...(signal ? [signal] : [])])),
    async close() {
      if (closing.signal.aborted) return
      closing.abort(new InfernetError('engine.closed'))
      await keeper.close()
    },
  }
}

/** Failures of one request, which the next engine would answer in the same way. */
const REQUEST_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'engine.bad-token',
  'engine.bad-logits',
  'engine.context-full',
  'engine.queue-full',
  'engine.other-task',
  'prompt.bad-parameters',
])

function reasonOf(state: StandingState): InfernetError {
  return state.stage === 'up' ? new InfernetError('engine.crashed') : state.reason
}
