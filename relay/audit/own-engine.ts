import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { WorkerEngine } from '#shared/engine/worker-client.ts'
import { createNodeEngine } from '../provide/node-engine.ts'
import type { AuditedModel } from './audited-models.ts'

/** An engine that nobody used for so long gives its memory back. */
const IDLE_MS = 10 * MINUTE_MS

interface Started {
  readonly model: AuditedModel
  readonly engine: WorkerEngine
}

/** The auditor's engine: one model at a time, started when it is first needed, ended when it is not. For one user. */
export class OwnEngine {
  readonly #clock: Clock
  readonly #life = new AbortController()
  #started: Started | undefined
  #timer: { stop(): void } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The engine of this model, until another one is asked for, or nobody asked for it for ten minutes.
   *
   * @throws InfernetError `models.*`, `engine.*`, or `engine.closed` after `stop`
   */
  async of(model: AuditedModel): Promise<WorkerEngine> {
    this.#timer?.stop()
    const known = this.#started?.model === model ? this.#started.engine : undefined
    const engine = known ?? (await this.#start(model))
    this.#timer = this.#clock.schedule(millis(IDLE_MS), () => void this.#end())
    return engine
  }

  /** Ends it at once, also one that is being started. */
  async stop(): Promise<void> {
    this.#life.abort(new InfernetError('engine.closed'))
    await this.#end()
  }

  async #start(model: AuditedModel): Promise<WorkerEngine> {
    await this.#end()
    const { manifest, modelFolder } = model
    const { signal } = this.#life
    const engine = await createNodeEngine({ manifest, modelFolder, maxStreams: 1 }, { signal })
    this.#started = { model, engine }
    void engine.lost.then(() => {
      if (this.#started?.engine === engine) this.#started = undefined
    })
    return engine
  }

  async #end(): Promise<void> {
    this.#timer?.stop()
    const started = this.#started
    this.#started = undefined
    await started?.engine.close().catch(() => undefined)
  }
}
