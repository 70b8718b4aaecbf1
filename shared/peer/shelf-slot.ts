import { ChangeEmitter } from '../base/change-emitter.ts'
import type { ModelHash } from '../base/ids.ts'
import { millis, type Millis } from '../base/units.ts'
import type { StandingState } from '../engine/engine-keeper.ts'
import type { StandingEngine } from '../engine/standing-engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Tier } from '../schedule/offer.ts'
import { shelvedEngine, type Measured } from './shelved-engine.ts'

/** How much a load that was quicker than the last ones moves what is promised; one that was slower counts at once. */
const QUICKER_WEIGHT = 0.3

/** What is put on the shelf. */
export interface ShelfEntry {
  /** Where the model lies while it is not on the GPU. */
  readonly tier: Tier
  /** What this device showed of it before. Without it the model is loaded once before it is offered. */
  readonly measured?: Measured | undefined
}

/** One model on the shelf: where it is, who holds it, and who waits for it. */
export class ShelfSlot {
  readonly model: ModelHash
  /** Of the model as an engine. */
  readonly changes = new ChangeEmitter()
  readonly waiting = new Set<PromiseWithResolvers<() => void>>()
  /** On the GPU. */
  loaded: StandingEngine | undefined
  /** Another one waits for its room: it takes no new jobs before that one. */
  isLeaving = false
  /** Jobs that run with it. */
  holders = 0
  loadedAt: Millis = millis(0)
  usedAt: Millis = millis(0)
  failures = 0
  /** Until it may be tried again. */
  rest: { stop(): void } | undefined
  readonly #entry: ShelfEntry
  readonly #engine: StandingEngine
  readonly #lost = Promise.withResolvers<Error>()
  #measured: Measured | undefined
  #state: StandingState = { stage: 'up' }

  /** @param close takes it off the shelf */
  constructor(model: ModelHash, entry: ShelfEntry, close: () => void) {
    this.model = model
    this.#entry = entry
    this.#measured = entry.measured
    const stateOf = (): StandingState => this.#state
    const loadedOf = (): StandingEngine | undefined => this.loaded
    const measuredOf = (): Measured => this.#known
    this.#engine = shelvedEngine({
      get loaded() {
        return loadedOf()
      },
      get measured() {
        return measuredOf()
      },
      get state() {
        return stateOf()
      },
      lost: this.#lost.promise,
      onChange: (callback) => this.changes.listen(callback),
      close: async () => close(),
    })
  }

  /** @throws InfernetError `models.unknown` before it was loaded for the first time */
  get engine(): StandingEngine {
    if (!this.#measured) throw new InfernetError('models.unknown')
    return this.#engine
  }

  get tier(): Tier | undefined {
    return this.loaded ? undefined : this.#entry.tier
  }

  /** How long a load takes, as far as that was seen. */
  get usualLoadMs(): number {
    return this.#measured?.loadMs ?? 0
  }

  get decodeTokensPerSecond(): number {
    return this.#measured?.info.decodeTokensPerSecond ?? 1
  }

  get #known(): Measured {
    if (!this.#measured) throw new InfernetError('models.unknown')
    return this.#measured
  }

  /** @throws InfernetError why it is not to be had now */
  throwIfOut(): void {
    if (this.#state.stage !== 'up') throw this.#state.reason
  }

  adopt(engine: StandingEngine, { loadMs, now }: { loadMs: Millis; now: Millis }): void {
    const { info, selfTest, testedAt } = engine
    const before = this.#measured?.loadMs ?? loadMs
    const usual = Math.max(loadMs, before + QUICKER_WEIGHT * (loadMs - before))
    this.#measured = { info, selfTest, testedAt, loadMs: millis(usual) }
    this.loaded = engine
    this.loadedAt = this.usedAt = now
    this.failures = 0
    this.changes.emit()
  }

  /** Refuses who waits. @returns whether it may be tried again later: one that computes wrongly would again */
  fail(reason: InfernetError, maxFailures: number): boolean {
    this.failures++
    if (this.failures >= maxFailures || reason.code === 'engine.self-test-failed') {
      this.end(reason)
      return false
    }
    this.#enter({ stage: 'restarting', reason, attempt: this.failures })
    this.#refuse(reason)
    return true
  }

  /** It may be loaded again. */
  rested(): void {
    if (this.#state.stage === 'restarting') this.#enter({ stage: 'up' })
  }

  /** For good. */
  end(reason: InfernetError): void {
    this.rest?.stop()
    this.#enter({ stage: 'ended', reason })
    this.#lost.resolve(reason)
    this.#refuse(reason)
  }

  #refuse(reason: InfernetError): void {
    for (const waiter of this.waiting) waiter.reject(reason)
    this.waiting.clear()
  }

  #enter(state: StandingState): void {
    this.#state = state
    this.changes.emit()
  }
}
