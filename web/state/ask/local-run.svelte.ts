import { SvelteMap } from 'svelte/reactivity'
import type { ModelHash } from '#shared/base/ids.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { StartedEngine } from '../session/services.ts'
import type { AskServices } from './services.ts'

/** A model that nobody asked for so long gives its memory back. Loading it again from storage takes seconds. */
const IDLE_MS = 10 * MINUTE_MS

/** Answering in this tab: which models are here already, and the engine that runs one of them. */
export class LocalRun {
  readonly #services: AskServices
  readonly #here = new SvelteMap<ModelHash, boolean>()
  #held: { readonly model: ModelHash; readonly started: StartedEngine } | undefined
  #idle: { stop(): void } | undefined

  constructor(services: AskServices) {
    this.#services = services
  }

  /** Whether all of the model is on this device; undefined as long as it was not looked at. */
  has(model: ModelHash | undefined): boolean | undefined {
    return model && this.#here.get(model)
  }

  /** Looks what is on this device. Never throws. */
  async look(model: ModelHash): Promise<boolean> {
    const isHere = this.#held?.model === model || (await this.#services.modelIsHere(model))
    this.#here.set(model, isHere)
    return isHere
  }

  /**
   * The model's engine in this tab, started where none runs.
   *
   * @throws InfernetError as `startEngine`, or the signal's reason
   */
  async open(
    model: ModelHash,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: LoadProgress) => void },
  ): Promise<StandingEngine> {
    const { signal, onProgress } = options
    this.#idle?.stop()
    // One that died for good is closed and begun anew.
    if (this.#held?.model !== model || this.#held.started.engine.state.stage === 'ended') await this.close()
    if (!this.#held) {
      const started = await this.#services.startEngine(model, { backend: 'auto', onProgress }, { signal })
      this.#held = { model, started }
      void this.look(model)
    }
    return this.#held.started.engine
  }

  /** An answer is over: the engine stays for the next question, and not for ever. */
  rest(): void {
    this.#idle?.stop()
    this.#idle = this.#services.clock.schedule(millis(IDLE_MS), () => void this.close())
  }

  /** Gives the memory back, unless the tab lends the model. */
  async close(): Promise<void> {
    this.#idle?.stop()
    const held = this.#held
    this.#held = undefined
    await held?.started.engine.close().catch(() => undefined)
  }
}
