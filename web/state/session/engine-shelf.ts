import type { ModelHash } from '#shared/base/ids.ts'
import { raceSignal } from '#shared/base/wait.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { EngineInit, SessionServices, StartedEngine } from './services.ts'

type StartEngine = SessionServices['startEngine']

/** Who uses an engine: the one who lends it, the one who asks it. */
interface User {
  share: number
  readonly onProgress: (progress: LoadProgress) => void
}

interface Shared {
  readonly wanted: EngineInit['backend']
  readonly users: Set<User>
  /** Ends the load when nobody waits for it any more. */
  readonly life: AbortController
  readonly started: Promise<StartedEngine>
}

/**
 * The engines of this tab, each started once, whoever uses it: a model that is lent answers this tab's own questions as
 * well. An engine is closed when its last user closes it, and computes as much of the time as its most modest user allows.
 */
export class EngineShelf {
  readonly #start: StartEngine
  readonly #passOn: ((model: ModelHash) => Promise<() => void>) | undefined
  readonly #running = new Map<ModelHash, Shared>()

  /** @param passOn passes the model's files on from now until what comes back is called: done while somebody lends it */
  constructor(start: StartEngine, passOn?: (model: ModelHash) => Promise<() => void>) {
    this.#start = start
    this.#passOn = passOn
  }

  /** As `SessionServices.startEngine`; who asks for another backend than the one that runs gets an engine of their own. */
  readonly start: StartEngine = async (model, init, options) => {
    const known = this.#running.get(model)
    if (known && init.backend !== 'auto' && init.backend !== known.wanted)
      return this.#start(model, init, options)
    const user: User = { share: init.share ?? 1, onProgress: init.onProgress }
    const shared = known ?? this.#begin(model, init.backend, user)
    shared.users.add(user)
    try {
      const started = await raceSignal(shared.started, options.signal)
      applyShares(shared, started)
      const stopPassing = init.isLent ? await this.#passOn?.(model) : undefined
      return this.#handle(model, shared, started, { user, stopPassing })
    } catch (thrown) {
      this.#leave(model, shared, user)
      if (shared.users.size === 0) shared.life.abort(thrown)
      throw thrown
    }
  }

  #begin(model: ModelHash, wanted: EngineInit['backend'], { share }: User): Shared {
    const life = new AbortController()
    const users = new Set<User>()
    const onProgress = (progress: LoadProgress): void => users.forEach((user) => user.onProgress(progress))
    const started = this.#start(model, { backend: wanted, share, onProgress }, { signal: life.signal })
    const shared: Shared = { wanted, users, life, started }
    this.#running.set(model, shared)
    started.then(
      async ({ engine }) => {
        if (users.size === 0) return void engine.close().catch(() => undefined) // all left at the last moment
        await engine.lost
        this.#forget(model, shared)
      },
      () => this.#forget(model, shared),
    )
    return shared
  }

  #leave(model: ModelHash, shared: Shared, user: User): void {
    shared.users.delete(user)
    if (shared.users.size === 0) this.#forget(model, shared)
  }

  #forget(model: ModelHash, shared: Shared): void {
    if (this.#running.get(model) === shared) this.#running.delete(model)
  }

  #handle(
    model: ModelHash,
    shared: Shared,
    started: StartedEngine,
    { user, stopPassing }: { readonly user: User; readonly stopPassing: (() => void) | undefined },
  ): StartedEngine {
    const close = async (): Promise<void> => {
      if (!shared.users.has(user)) return
      stopPassing?.()
      this.#leave(model, shared, user)
      if (shared.users.size === 0) await started.engine.close()
      else applyShares(shared, started)
    }
    return {
      engine: closedBy(started.engine, close),
      fellBackFrom: started.fellBackFrom,
      isKept: started.isKept,
      loadMs: started.loadMs,
      get subgroups() {
        return started.subgroups
      },
      setShare(share) {
        user.share = share
        if (shared.users.has(user)) applyShares(shared, started)
      },
    }
  }
}

function applyShares({ users }: Shared, started: StartedEngine): void {
  started.setShare(Math.min(...[...users].map(({ share }) => share)))
}

/** The same engine, with another way to end its use. */
function closedBy(engine: StandingEngine, close: () => Promise<void>): StandingEngine {
  return {
    get info() {
      return engine.info
    },
    get selfTest() {
      return engine.selfTest
    },
    get state() {
      return engine.state
    },
    get testedAt() {
      return engine.testedAt
    },
    get lost() {
      return engine.lost
    },
    generate: (request, options) => engine.generate(request, options),
    score: (request, options) => engine.score(request, options),
    embed: (request, options) => engine.embed(request, options),
    testAgain: (options) => engine.testAgain(options),
    onChange: (callback) => engine.onChange(callback),
    close,
  }
}
