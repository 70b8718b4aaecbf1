import type { Price } from '#shared/prompt/prompt.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Backend } from '#shared/engine/engine.ts'
import { OFFER_LIFE_MS } from '#shared/schedule/constants.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import { DownloadSpeed, type MeasuredProgress } from './download-speed.ts'
import type { ChosenModel, Lending, LentModel } from './lending.ts'
import { lendingWay, offerAt } from './lending-way.ts'
import { priceFrom } from './parse-price.ts'
import { reasonsOf } from './pause-reasons.ts'
import { ProvideFigures } from './provide-figures.svelte.ts'
import { Refusals } from './refusals.svelte.ts'
import { PageYield } from './yield-to-page.ts'
import { isProviding, isPreparing, mayFollow, type ProvideStage } from './provide-machine.ts'
import type { ProvideServices } from './services.ts'
import type { PaymentDesk } from '../money/payment-desk.svelte.ts'
import type { StartedEngine, WantedBackend } from '../session/services.ts'
import type { Session } from '../session/session.svelte.ts'
import type { Settings } from '../session/settings.svelte.ts'

/** Providing this device: from the press of the switch over download, self-test and live to the end. */
export class Provide {
  /** What is served, to whom, and why nothing is when it is not. */
  readonly figures: ProvideFigures
  /** What is not answered here. */
  readonly refusals: Refusals
  readonly #services: ProvideServices
  readonly #session: Session
  readonly #settings: Settings
  readonly #payments: PaymentDesk
  #stage = $state<ProvideStage>('idle')
  #gpu = $state.raw<GpuInspection | undefined>()
  #wanted = $state<WantedBackend>('auto')
  #choice = $state.raw<ModelChoice | undefined>()
  #progress = $state.raw<MeasuredProgress | undefined>()
  #started = $state.raw<StartedEngine | undefined>()
  #liveSince = $state<number | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #isModelKept = $state<boolean | undefined>()
  #lending: Lending | undefined
  #lent = $state.raw<readonly LentModel[]>([])
  #run: AbortController | undefined
  #inspectedFor: string | undefined
  /** When this is over, nothing of an earlier time lends or is held any more. */
  #released: Promise<unknown> = Promise.resolve()
  readonly #yield: PageYield

  constructor(services: ProvideServices, session: Session, settings: Settings, payments: PaymentDesk) {
    this.#services = services
    this.#session = session
    this.#settings = settings
    this.#payments = payments
    this.figures = new ProvideFigures(services.clock)
    this.refusals = new Refusals(services, settings)
    this.#yield = new PageYield({
      onFrame: (callback) => services.onFrame(callback),
      allowed: () => settings.dutyPercent.value / 100,
      tell: (share) => (this.#lending ?? this.#started)?.setShare(share),
    })
    services.conditions.onChange(() => this.#applyConditions())
  }

  get stage(): ProvideStage {
    return this.#stage
  }
  get isPreparing(): boolean {
    return isPreparing(this.#stage)
  }
  get isProviding(): boolean {
    return isProviding(this.#stage)
  }
  /** What the browser says of the GPU; `undefined` before it was asked. */
  get gpu(): GpuInspection | undefined {
    return this.#gpu
  }
  /** What is provided, or will be: the GPU, or the processor. */
  get backend(): Backend {
    if (this.#started) return this.#started.engine.info.backend
    if (this.#wanted !== 'auto') return this.#wanted
    return this.#gpu?.problem ? 'wasm' : 'webgpu'
  }
  /** The engine with what its self-test found; undefined before it has passed. */
  get started(): StartedEngine | undefined {
    return this.#started
  }
  get progress() {
    return this.#progress
  }
  /** False when the browser may throw the model away; undefined as long as it has not said. */
  get isModelKept(): boolean | undefined {
    return this.#isModelKept
  }
  get liveSince(): number | undefined {
    return this.#liveSince
  }
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** True while a relay that answers holds a fresh offer of ours: only then is this tab live by signed facts. */
  get confirmed(): boolean {
    const { providing, now } = this.#session
    const { acceptedAt } = this.figures
    return acceptedAt !== undefined && now - acceptedAt < OFFER_LIFE_MS && !providing.inDoubt
  }
  /** True while something really happens or may at any moment: only then is the ember lit. */
  get isLit(): boolean {
    return this.figures.jobs.length > 0 || (this.#stage === 'live' && this.confirmed)
  }

  /** The model to provide: the visitor's choice, else the first. */
  get model(): ModelChoice | undefined {
    return this.#choice ?? this.#session.choice(this.#settings.provideModel.value) ?? this.#session.models[0]
  }
  set model(choice: ModelChoice | undefined) {
    if (!this.isProviding && !this.isPreparing) this.#settings.provideModel.value = choice?.model
  }

  /** The visitor's price, else the model's suggestion. */
  get price(): Price | undefined {
    return this.model && this.priceOf(this.model)
  }
  priceOf({ suggestedPrice }: ModelChoice): Price {
    return priceFrom(suggestedPrice, this.#settings.pricePerMillion.value)
  }

  /** What is asked while it is lent: the visitor's price is that of the chosen model, others are lent at their usual one. */
  askedFor(choice: ModelChoice): Price {
    return choice.model === this.model?.model ? this.priceOf(choice) : choice.suggestedPrice
  }
  /** Where each of the models stands that are lent beside one another; empty where one alone is. */
  get lent(): readonly LentModel[] {
    return this.#lent
  }

  /** Asks the browser for the GPU without starting anything. */
  async inspect(): Promise<void> {
    const model = this.model?.model
    if (this.#gpu && this.#inspectedFor === model && !this.#gpu.problem) return
    this.#inspectedFor = model
    this.#gpu = await this.#services.inspectGpu(model)
  }

  /** Download, self-test, go live. A second call while running does nothing. */
  async start(backend: WantedBackend = 'auto'): Promise<void> {
    if (this.isPreparing || this.isProviding) return
    this.figures.begin()
    this.refusals.begin()
    // At the press, which some browsers want to see. The person may be asked, and nothing waits for the answer.
    void this.#services.keepStorage().then((isKept) => (this.#isModelKept = isKept))
    await this.#prepare(backend)
  }

  /** Ends the preparation. What has been downloaded is kept by the browser. */
  cancel(): void {
    if (this.isPreparing) this.#run?.abort(new InfernetError('stream.cancelled'))
  }

  pause(): void {
    this.#lending?.setReason('you', true)
  }

  resume(): void {
    this.#lending?.setReason('you', false)
  }

  /** Takes no new prompts, finishes the running ones, then ends. */
  async drain(): Promise<void> {
    const lending = this.#lending
    if (!lending || !this.isProviding) return
    this.#enter('draining')
    await lending.drain()
    await this.#end('ended')
  }

  /** Ends at once: running answers move to other tabs. Where lending has ended already, waits until all is given back. */
  async stop(): Promise<void> {
    if (this.isPreparing) return this.cancel()
    if (this.isProviding) await this.#end('ended')
    else await this.#released
  }

  /** Back to the beginning after an end or a failure. */
  reset(): void {
    if (this.#stage === 'ended' || this.#stage === 'failed') this.#enter('idle')
    this.#error = undefined
    this.#choice = undefined
  }

  async #prepare(backend: WantedBackend): Promise<void> {
    const run = new AbortController()
    const speed = new DownloadSpeed(this.#services.clock)
    this.#run = run
    this.#error = undefined
    this.#started = undefined
    this.#progress = undefined
    this.#liveSince = undefined
    this.#wanted = backend
    this.#enter('checking')
    try {
      await this.#released
      run.signal.throwIfAborted()
      const choice = this.model ?? (await this.#firstModel())
      this.#choice = choice
      await this.inspect()
      run.signal.throwIfAborted()
      // Joining goes on beside the download; who goes live hears of its failure.
      void this.#session.providing.open().catch(() => undefined)
      const started = await this.#services.startEngine(
        choice.model,
        {
          backend,
          share: this.#settings.dutyPercent.value / 100,
          isLent: true,
          onProgress: (progress) => this.#onProgress(speed.measured(progress)),
        },
        { signal: run.signal },
      )
      this.#started = started
      await this.#goLive({ choice, started }, run.signal)
    } catch (thrown) {
      // A cancel shows once all is given back. A failure shows at once, and nothing that is pressed meanwhile undoes it.
      if (!run.signal.aborted) return this.#fail(InfernetError.from(thrown, 'engine.load-failed'))
      await this.#release()
      this.#enter('idle')
    }
  }

  /** Providing may be asked for, as by the address, before the list of models is here. */
  async #firstModel(): Promise<ModelChoice> {
    await this.#session.modelsReady
    if (!this.model) throw this.#session.modelsError ?? new InfernetError('models.unknown')
    return this.model
  }

  async #goLive(chosen: ChosenModel, signal: AbortSignal): Promise<void> {
    const mesh = await this.#session.providing.open()
    signal.throwIfAborted()
    const payee = await this.#payments.beforeProviding(mesh, { signal })
    // A model that this browser does not keep could not be loaded again after another one.
    const lend = await lendingWay(this.#settings.lendOthers.value && chosen.started.isKept)
    await mesh.startProviding({ signal })
    signal.throwIfAborted()
    const share = (): number => this.#settings.dutyPercent.value / 100
    const lending = lend(
      {
        services: this.#services,
        offer: offerAt(mesh.peer, {
          ...{ payee, share },
          priceOf: (choice) => this.askedFor(choice),
          screenOf: ({ model }) => this.refusals.screenOf(model),
        }),
        choices: () => (this.#settings.lendOthers.value ? this.#session.models : []),
        backend: this.#wanted,
        share: share(),
        onStarted: (started) => (this.#started = started),
        onLost: (reason) => {
          if (this.#lending === lending) void this.#fail(reason)
        },
      },
      chosen,
    )
    this.#lending = lending
    this.#liveSince = this.#services.clock.now()
    this.#enter('live')
    lending.onChange(() => this.#read(lending))
    this.#read(lending)
    this.#applyConditions()
    if (!lending.chosen.restart) this.#yield.changed()
  }

  #onProgress(progress: MeasuredProgress): void {
    if (!this.isPreparing) return
    if (this.#stage !== progress.phase) this.#enter(progress.phase)
    this.#progress = progress
  }

  #read(lending: Lending): void {
    if (lending !== this.#lending) return
    const { failure, restart, provision } = lending.chosen
    const hadRestart = this.figures.restart !== undefined
    this.figures.read(lending)
    if (failure) return void this.#fail(failure)
    this.#lent = lending.models
    if (hadRestart && !restart) this.#yield.changed() // a new engine knows of no share
    const { state } = provision
    // The other stages are entered where the page orders them.
    if (this.#stage !== 'draining' && (state === 'live' || state === 'paused')) this.#enter(state)
    this.#watchFrames()
  }

  /** Pauses and goes on with the tab's conditions. Called again when a limit is switched. */
  #applyConditions(): void {
    for (const [reason, on] of reasonsOf(this.#settings, this.#services.conditions))
      this.#lending?.setReason(reason, on)
    this.#watchFrames()
  }
  limitsChanged(): void {
    this.#applyConditions()
    this.#yield.changed()
  }
  /** To be called when the visitor wants the others lent too, or no longer. */
  othersChanged(): void {
    this.#lending?.othersChanged()
  }

  #watchFrames(): void {
    this.#yield.watch(this.figures.jobs.length > 0 && !this.#services.conditions.hidden)
  }

  /** The stage first: who stops or fails while the rest is given back finds nothing left to end. */
  async #fail(error: InfernetError): Promise<void> {
    if (!this.isProviding && !this.isPreparing) return
    this.#error = error
    this.#enter('failed')
    await this.#release()
  }

  async #end(stage: 'ended'): Promise<void> {
    if (!this.isProviding) return
    this.#enter(stage)
    await this.#release()
  }

  /** Gives everything back: the offer, the place at the relay, the engine. */
  async #release(): Promise<void> {
    const [lending, started] = [this.#lending, this.#started]
    this.#lending = undefined
    this.#lent = []
    this.#choice = undefined
    this.figures.end()
    this.#watchFrames()
    const giveBack = async (): Promise<void> => {
      await lending?.stop()
      await this.#payments.afterProviding()
      await this.#session.providing.close()
      await (lending ? lending.close() : started?.engine.close().catch(() => undefined))
    }
    const released = giveBack()
    this.#released = released.catch(() => undefined)
    await released
  }

  #enter(stage: ProvideStage): void {
    if (!mayFollow(this.#stage, stage)) throw new Error(`lending cannot go from ${this.#stage} to ${stage}`)
    this.#stage = stage
  }
}
