import type { Clock } from '../base/clock.ts'
import { ChangeEmitter } from '../base/change-emitter.ts'
import { epochMillis, millis, MINUTE_MS, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { raceSignal, sleep } from '../base/wait.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { TestedEngine } from './create-engine.ts'

/** Where an engine that is kept up stands. */
export type StandingState =
  | { readonly stage: 'up' }
  /** It died and another one is being started; `attempt` counts from 1. */
  | { readonly stage: 'restarting'; readonly reason: InfernetError; readonly attempt: number }
  /** It died and no other one could be started. */
  | { readonly stage: 'ended'; readonly reason: InfernetError }

export interface KeeperComponents {
  readonly clock: Clock
  /**
   * Starts one engine, its self-test included. When the signal is aborted later the engine is to end at once, even one
   * that hangs: its worker is terminated.
   */
  readonly start: (signal: AbortSignal) => Promise<TestedEngine>
}

/**
 * The pause before each try to start again. A GPU process that crashed needs a moment until it gives adapters again;
 * after the last one somebody should look at the machine.
 */
const RESTART_PAUSES_MS = [0, 1, 5, 15, 30].map((seconds) => seconds * SECOND_MS)

/** An engine that ran this long is a good one: the tries before it are forgotten. */
const STEADY_MS = MINUTE_MS

/** Another try would end as this one did. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'engine.self-test-failed',
  'engine.limits',
  'engine.no-webgpu',
  'models.unsupported',
])

/** An engine that runs, and the means to end it at once. */
export interface Running {
  readonly engine: TestedEngine
  /** When it passed its last self-test: that of its start, or a later one. */
  testedAt: EpochMillis
  readonly life: AbortController
}

/** Keeps one engine up: when it dies another one is started. */
export interface EngineKeeper {
  readonly state: StandingState
  /** The engine that is up, or the last one that was. */
  readonly latest: Running
  onChange(callback: () => void): () => void
  /** Resolves with why no other engine could be started; never rejects. */
  readonly lost: Promise<Error>
  /** The engine that is up, or the next one. Rejects with why there is none, or with the signal's reason. */
  whenUp(signal: AbortSignal): Promise<Running>
  /** It passed its self-test once more. */
  passed(running: Running): void
  /** Declares an engine dead, which is replaced. Nothing happens when it has been replaced already. */
  bury(dead: Running, reason: Error): void
  close(): Promise<void>
}

/**
 * Starts the first engine and keeps one up from then on.
 *
 * @throws what the first start throws, or the signal's reason
 */
export async function createEngineKeeper(
  { clock, start }: KeeperComponents,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<EngineKeeper> {
  const closing = new AbortController()
  const changes = new ChangeEmitter()
  const { promise: lost, resolve: reportLost } = Promise.withResolvers<Error>()
  let state: StandingState = { stage: 'up' }
  let tries = 0
  let upSince = 0
  let up = Promise.withResolvers<Running>()
  let latest = await startOne({ clock, start }, signal)
  let restarting: Promise<void> = Promise.resolve()
  adopt(latest)

  function enter(next: StandingState): void {
    state = next
    changes.emit()
  }

  function adopt(next: Running): void {
    latest = next
    upSince = clock.monotonic()
    void next.engine.lost.then((reason) => bury(next, reason))
    up.resolve(next)
    enter({ stage: 'up' })
  }

  function bury(dead: Running, thrown: Error): void {
    if (dead !== latest || state.stage !== 'up' || closing.signal.aborted) return
    const reason = InfernetError.from(thrown, 'engine.crashed')
    dead.life.abort(reason)
    void dead.engine.close().catch(() => undefined)
    if (clock.monotonic() - upSince >= STEADY_MS) tries = 0
    up = Promise.withResolvers<Running>()
    up.promise.catch(() => undefined)
    restarting = restart(reason)
  }

  async function restart(reason: InfernetError): Promise<void> {
    for (let why = reason; ;) {
      const pauseMs = RESTART_PAUSES_MS[tries]
      if (pauseMs === undefined || HOPELESS.has(why.code)) return giveUp(why)
      enter({ stage: 'restarting', reason: why, attempt: ++tries })
      try {
        await sleep(clock, millis(pauseMs), { signal: closing.signal })
        return adopt(await startOne({ clock, start }, closing.signal))
      } catch (thrown) {
        if (closing.signal.aborted) return
        why = InfernetError.from(thrown, 'engine.load-failed')
      }
    }
  }

  function giveUp(reason: InfernetError): void {
    up.reject(reason)
    reportLost(reason)
    enter({ stage: 'ended', reason })
  }

  return {
    get state() {
      return state
    },
    get latest() {
      return latest
    },
    lost,
    onChange: (callback) => changes.listen(callback),
    passed(running) {
      if (running !== latest) return
      running.testedAt = epochMillis(clock.now())
      changes.emit()
    },
    bury,
    whenUp: (waiting) => raceSignal(up.promise, waiting),
    async close() {
      if (closing.signal.aborted) return
      const closed = new InfernetError('engine.closed')
      closing.abort(closed)
      up.promise.catch(() => undefined)
      up.reject(closed)
      await restarting
      await latest.engine.close()
    },
  }
}

/** The signal ends the start alone; from then on the engine's own life does. */
async function startOne(
  { clock, start }: KeeperComponents,
  signal: AbortSignal | undefined,
): Promise<Running> {
  const life = new AbortController()
  const onAbort = (): void => life.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    life.signal.throwIfAborted()
    const engine = await start(life.signal)
    // A start that did not listen.
    if (life.signal.aborted) {
      await engine.close().catch(() => undefined)
      throw life.signal.reason
    }
    return { engine, life, testedAt: epochMillis(clock.now()) }
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}
