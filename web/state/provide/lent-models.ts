import { ChangeEmitter } from '#shared/base/change-emitter.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import { isClaimAlone } from '#shared/models/catalogue/merge-catalogues.ts'
import { TASKS } from '#shared/models/task.ts'
import type { ProvidedModel } from '#shared/peer/provide-model.ts'
import { ProviderShelf } from '#shared/peer/provider-shelf.ts'
import type { Measured } from '#shared/peer/shelved-engine.ts'
import { MAX_OFFERS_PER_PEER } from '#shared/schedule/constants.ts'
import type { StartedEngine } from '../session/services.ts'
import type { ChosenModel, Lending, LendingComponents, LentModel } from './lending.ts'
import { lentModels, type ModelOut, type OfferedModel } from './lent-rows.ts'
import type { TabReason } from './pause-reasons.ts'

/** After so long without a prompt, what was never loaded here is loaded once, one model at a time. */
const QUIET_MS = MINUTE_MS

interface Offered extends OfferedModel {
  /** Lets its files go. */
  readonly release: () => void
}

/**
 * Lends the model that the visitor chose, and from the disk the others that are kept here: a prompt for one of them brings
 * it to the GPU (`ProviderShelf`). Nothing is ever downloaded for that.
 *
 * What was loaded here before is offered at once, by what it showed then. What never was is loaded once for that in a quiet
 * minute; the chosen model comes back after it.
 */
export class LentModels implements Lending {
  readonly #components: LendingComponents
  readonly #choice: ModelChoice
  readonly #shelf: ProviderShelf
  readonly #chosen: Offered
  readonly #offered = new Map<ModelHash, Offered>()
  readonly #out = new Map<ModelHash, ModelOut>()
  readonly #running = new Map<ModelHash, StartedEngine>()
  readonly #reasons = new Set<TabReason>()
  readonly #changes = new ChangeEmitter()
  /** Ends what is offered and measured anew; what runs goes on. */
  readonly #life = new AbortController()
  #all: readonly ProvidedModel<TabReason>[] = []
  #unmeasured: readonly ModelChoice[] = []
  #measuring: ModelChoice | undefined
  #progress: LoadProgress | undefined
  #share: number
  #busyAt: number
  #isClosed = false
  #looking: Promise<void> | undefined
  #timer: { stop(): void } | undefined
  #models: readonly LentModel[] = []

  /** @throws InfernetError as `provideModel` */
  constructor(components: LendingComponents, { choice, started }: ChosenModel) {
    const { clock } = components.services
    const { model } = choice
    this.#components = components
    this.#choice = choice
    this.#share = components.share
    this.#busyAt = clock.monotonic()
    this.#shelf = new ProviderShelf({ clock, load: (...wanted) => this.#load(...wanted) })
    this.#shelf.adopt(model, { tier: 'disk' }, started)
    const held = components.services.holdModel(model)
    this.#chosen = this.#offer(choice, () => {
      void held.then((release) => release()).catch(() => undefined)
    })
    this.#entered(model, started)
    this.#shelf.placeOf(model).onChange(() => this.#changed())
    this.othersChanged()
    this.#waitForQuiet()
  }

  get chosen(): ProvidedModel<TabReason> {
    return this.#chosen.provided
  }
  get all(): readonly ProvidedModel<TabReason>[] {
    return this.#all
  }
  get models(): readonly LentModel[] {
    return this.#models
  }

  setShare(share: number): void {
    this.#share = share
    for (const started of this.#running.values()) started.setShare(share)
  }

  setReason(reason: TabReason, on: boolean): void {
    if (on) this.#reasons.add(reason)
    else this.#reasons.delete(reason)
    for (const { provided } of this.#offered.values()) provided.setReason(reason, on)
  }

  /** What is no longer to be lent finishes its answers first. */
  othersChanged(): void {
    const wanted = this.#wanted().map(({ model }) => model)
    for (const { choice, provided } of this.#others)
      if (!wanted.includes(choice.model)) void provided.drain().then(() => this.#leave(choice.model))
    this.#unmeasured = this.#unmeasured.filter(({ model }) => wanted.includes(model))
    void this.#look()
    this.#changed()
  }

  onChange(callback: () => void): () => void {
    return this.#changes.listen(callback)
  }

  async drain(): Promise<void> {
    this.#endLife()
    await Promise.all([...this.#offered.values()].map(({ provided }) => provided.drain()))
  }

  async stop(): Promise<void> {
    this.#endLife()
    await Promise.all([...this.#offered.values()].map(({ provided }) => provided.stop()))
  }

  async close(): Promise<void> {
    this.#endLife()
    this.#isClosed = true
    this.#models = []
    await this.#shelf.stop()
    for (const { release } of this.#offered.values()) release()
    this.#offered.clear()
  }

  /** What is to be lent beside the chosen model, as far as it is here. */
  #wanted(): readonly ModelChoice[] {
    const { choices } = this.#components
    return choices().filter((choice) => choice.model !== this.#choice.model && mayBeLent(choice))
  }

  get #others(): readonly Offered[] {
    return [...this.#offered.values()].filter((each) => each !== this.#chosen)
  }

  get #isOver(): boolean {
    return this.#life.signal.aborted
  }

  #endLife(): void {
    this.#timer?.stop()
    this.#life.abort(new InfernetError('stream.draining'))
  }

  /** On the shelf already. */
  #offer(choice: ModelChoice, release: () => void): Offered {
    const { model } = choice
    const provided = this.#components.offer(choice, this.#shelf.engineOf(model), {
      place: this.#shelf.placeOf(model),
      subgroups: () => {
        const started = this.#running.get(model)
        return started && (started.subgroups?.on ?? false)
      },
    })
    const offered = { choice, provided, release }
    this.#offered.set(model, offered)
    this.#all = [...this.#all, provided]
    for (const reason of this.#reasons) provided.setReason(reason, true)
    provided.onChange(() => this.#read(offered))
    return offered
  }

  #read(offered: Offered): void {
    const { choice, provided } = offered
    if (provided.provision.jobs.length > 0) this.#busyAt = this.#components.services.clock.monotonic()
    // The end of the chosen one is the end of all, and its owner's to tell.
    if (provided.failure && offered !== this.#chosen) void this.#leave(choice.model, provided.failure)
    this.#changed()
  }

  /** Looks which others are here, and offers those of which it is known what they show. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookAt()
      .catch(() => undefined) // looked at again in the next quiet minute
      .finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #lookAt(): Promise<void> {
    const { services, backend } = this.#components
    const unmeasured: ModelChoice[] = []
    for (const choice of this.#wanted()) {
      const { model } = choice
      const isFull = this.#offered.size + unmeasured.length >= MAX_OFFERS_PER_PEER
      if (this.#isOver || isFull) break
      const isNew = !this.#offered.has(model) && !this.#out.has(model) && this.#measuring?.model !== model
      if (!isNew) continue
      if (!(await services.modelIsHere(model)) || !(await services.termsAreAccepted(model))) continue
      const measured = await services.shownHere(model, backend)
      if (measured) await this.#add(choice, measured)
      else unmeasured.push(choice)
    }
    this.#unmeasured = unmeasured
    this.#changed()
  }

  /** Never throws: why it cannot be offered stands beside it. */
  async #add(choice: ModelChoice, measured: Measured | undefined): Promise<void> {
    const { services } = this.#components
    const { model } = choice
    const release = await services.holdModel(model)
    try {
      this.#life.signal.throwIfAborted()
      if (!(await services.modelIsHere(model))) throw gone()
      await this.#shelf.add(model, { tier: 'disk', measured }, { signal: this.#life.signal })
      this.#life.signal.throwIfAborted()
      if (!this.#wanted().some((other) => other.model === model)) throw new InfernetError('stream.draining')
      this.#offer(choice, release)
    } catch (thrown) {
      const error = InfernetError.from(thrown, 'engine.load-failed')
      if (error.code !== 'stream.draining') this.#out.set(model, { choice, error, provided: undefined })
      await this.#shelf.remove(model)
      release()
    }
  }

  async #load(model: ModelHash, { signal }: { readonly signal: AbortSignal }): Promise<StandingEngine> {
    const { services, backend } = this.#components
    try {
      if (!(await services.modelIsHere(model))) throw this.#isMissing(model)
      const onProgress = (progress: LoadProgress): void => {
        this.#progress = progress
        this.#changed()
      }
      const init = { backend, share: this.#share, isLent: true, onProgress }
      const started = await services.startEngine(model, init, { signal })
      started.setShare(this.#share)
      this.#entered(model, started)
      return started.engine
    } finally {
      this.#progress = undefined
    }
  }

  #entered(model: ModelHash, started: StartedEngine): void {
    this.#running.set(model, started)
    if (model !== this.#choice.model) return
    this.#components.onStarted(started)
    const { onLost } = this.#components
    void started.engine.lost.then((reason) => onLost(InfernetError.from(reason, 'engine.device-lost')))
  }

  /** Its files have gone, whoever deleted them: it is not offered any more, for nothing is downloaded for a prompt. */
  #isMissing(model: ModelHash): InfernetError {
    const error = gone()
    if (model === this.#choice.model) this.#components.onLost(error)
    else void this.#leave(model, error)
    return error
  }

  async #leave(model: ModelHash, error?: InfernetError): Promise<void> {
    const offered = this.#offered.get(model)
    if (!offered) return
    const { choice, provided, release } = offered
    this.#offered.delete(model)
    if (error) this.#out.set(model, { choice, error, provided })
    await provided.stop()
    await this.#shelf.remove(model)
    release()
    this.#changed()
  }

  #waitForQuiet(): void {
    this.#timer = this.#components.services.clock.schedule(millis(QUIET_MS), () => {
      void this.#useQuiet()
        .catch(() => undefined)
        .finally(() => {
          if (!this.#isOver) this.#waitForQuiet()
        })
    })
  }

  async #useQuiet(): Promise<void> {
    await this.#look()
    const isQuiet = this.#components.services.clock.monotonic() - this.#busyAt >= QUIET_MS
    const isBusy = [...this.#offered.values()].some(({ provided }) => provided.provision.jobs.length > 0)
    if (this.#isOver || isBusy || !isQuiet || this.#reasons.size > 0) return
    const [next] = this.#unmeasured
    if (next) {
      this.#unmeasured = this.#unmeasured.filter((each) => each !== next)
      this.#measuring = next
      await this.#add(next, undefined)
      this.#measuring = undefined
    }
    const isEmpty = !this.#shelf.loading && this.#shelf.models.every(({ tier }) => tier !== undefined)
    const { signal } = this.#life
    if (next || isEmpty) await this.#shelf.bring(this.#choice.model, { signal }).catch(() => undefined)
    this.#changed()
  }

  #changed(): void {
    if (!this.#isClosed)
      this.#models = lentModels({
        offered: this.#offered,
        out: this.#out,
        unmeasured: this.#unmeasured,
        measuring: this.#measuring,
        loading: this.#shelf.loading,
        progress: this.#progress,
        placeOf: (model) => this.#shelf.placeOf(model),
      })
    this.#changes.emit()
  }
}

/** What its publisher alone vouches for is lent when a person says so. */
function mayBeLent({ task, listed }: ModelChoice): boolean {
  return TASKS.includes(task) && !isClaimAlone(listed)
}

function gone(): InfernetError {
  return new InfernetError('models.unavailable', { status: 'no longer on this device' })
}
