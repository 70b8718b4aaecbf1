import { FREE_PRICE } from '#shared/prompt/free-price.ts'
import type { Price } from '#shared/prompt/prompt.ts'
import { baseUnits } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Backend } from '#shared/engine/engine.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { LoadProgress } from '#shared/models/load-model.ts'
import type { ProviderJob, Provision } from '#shared/peer/peer.ts'
import { OFFER_LIFE_MS } from '#shared/schedule/constants.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import { PageYield } from './yield-to-page.ts'
import { parsePerMillion } from './parse-price.ts'
import { isProviding, isPreparing, mayFollow, type ProvideStage } from './provide-machine.ts'
import type { StartedEngine, WantedBackend } from './services.ts'
import type { ProvideServices } from './services.ts'
import type { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { offeredTest } from './offered-test.ts'
import { counted, NO_RATE, perSecond } from './token-rate.ts'
import type { Session } from '../session/session.svelte.ts'
import type { Settings } from '../session/settings.svelte.ts'

export type PauseReason = 'you' | 'hidden' | 'battery' | 'metered' | 'restart'

export interface Served {
  readonly tokens: number
  readonly jobs: number
  readonly handedOver: number
  readonly due: bigint
}

const NOTHING_SERVED: Served = { tokens: 0, jobs: 0, handedOver: 0, due: 0n }

/** Providing this device: from the press of the switch over download, self-test and live to the end. */
export class Provide {
  readonly #services: ProvideServices
  readonly #session: Session
  readonly #settings: Settings
  readonly #payments: PaymentDesk
  #stage = $state<ProvideStage>('idle')
  #gpu = $state.raw<GpuInspection | undefined>()
  #wanted = $state<WantedBackend>('auto')
  #provided = $state.raw<ModelChoice | undefined>()
  #progress = $state.raw<(LoadProgress & { readonly bytesPerSecond: number | undefined }) | undefined>()
  #started = $state.raw<StartedEngine | undefined>()
  #jobs = $state.raw<readonly ProviderJob[]>([])
  #served = $state.raw<Served>(NOTHING_SERVED)
  #acceptedAt = $state<number | undefined>()
  #liveSince = $state<number | undefined>()
  #reasons = $state.raw<readonly PauseReason[]>([])
  #restart = $state.raw<{ readonly reason: InfernetError; readonly attempt: number } | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #isModelKept = $state<boolean | undefined>()
  #rate = $state.raw(NO_RATE)
  #provision: Provision | undefined
  #run: AbortController | undefined
  #inspectedFor: string | undefined
  #loadStart: { at: number; bytes: number } | undefined
  readonly #yield: PageYield

  constructor(services: ProvideServices, session: Session, settings: Settings, payments: PaymentDesk) {
    this.#services = services
    this.#session = session
    this.#settings = settings
    this.#payments = payments
    this.#yield = new PageYield({
      onFrame: (callback) => services.onFrame(callback),
      allowed: () => settings.dutyPercent.value / 100,
      tell: (share) => this.#started?.setShare(share),
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
  /** What provides, by its own word. */
  get adapter(): string | undefined {
    return this.#started?.engine.info.adapter
  }
  get progress() {
    return this.#progress
  }
  get selfTest(): { readonly right: number; readonly total: number } | undefined {
    return this.#started?.engine.selfTest
  }
  get subgroups(): SubgroupResult | undefined {
    return this.#started?.subgroups
  }
  get testedAt(): number | undefined {
    return this.#started?.engine.testedAt
  }
  get testSpeed(): number | undefined {
    return this.#started?.engine.info.decodeTokensPerSecond
  }
  /** False when the browser may throw the model away; undefined as long as it has not said. */
  get isModelKept(): boolean | undefined {
    return this.#isModelKept
  }
  /** Why the processor provides though the GPU was asked for. */
  get fellBackFrom(): InfernetError | undefined {
    return this.#started?.fellBackFrom
  }
  get jobs(): readonly ProviderJob[] {
    return this.#jobs
  }
  get served(): Served {
    return this.#served
  }
  get liveSince(): number | undefined {
    return this.#liveSince
  }
  get pauseReasons(): readonly PauseReason[] {
    return this.#reasons
  }
  /** Why the engine is being started again at this moment, and for which time. */
  get restart(): { readonly reason: InfernetError; readonly attempt: number } | undefined {
    return this.#restart
  }
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** True while a relay that answers holds a fresh offer of ours: only then is this tab live by signed facts. */
  get confirmed(): boolean {
    const { providing, now } = this.#session
    return this.#acceptedAt !== undefined && now - this.#acceptedAt < OFFER_LIFE_MS && !providing.inDoubt
  }
  /** True while something really happens or may at any moment: only then is the ember lit. */
  get isLit(): boolean {
    return this.#jobs.length > 0 || (this.#stage === 'live' && this.confirmed)
  }
  get acceptedAt(): number | undefined {
    return this.#acceptedAt
  }
  /** Tokens per second over the last seconds, counted here; 0 when nobody is being answered. */
  get speedNow(): number {
    return this.#jobs.length > 0 ? perSecond(this.#rate) : 0
  }

  /** The model to provide: the visitor's choice, else the first. */
  get model(): ModelChoice | undefined {
    return (
      this.#provided ?? this.#session.choice(this.#settings.provideModel.value) ?? this.#session.models[0]
    )
  }
  set model(choice: ModelChoice | undefined) {
    if (!this.isProviding && !this.isPreparing) this.#settings.provideModel.value = choice?.model
  }

  /** The visitor's price, else the model's suggestion. Reading costs a fifth of writing, as the suggestion has it. */
  get price(): Price | undefined {
    const suggested = this.model?.suggestedPrice
    const wanted = parsePerMillion(this.#settings.pricePerMillion.value)
    if (!suggested || wanted === undefined) return suggested
    const { outputPerMillion, promptPerMillion } = suggested
    const prompt = outputPerMillion > 0n ? (wanted * promptPerMillion) / outputPerMillion : 0n
    return { outputPerMillion: baseUnits(wanted), promptPerMillion: baseUnits(prompt) }
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
    this.#served = NOTHING_SERVED
    // At the press, which some browsers want to see. The person may be asked, and nothing waits for the answer.
    void this.#services.keepStorage().then((isKept) => (this.#isModelKept = isKept))
    await this.#prepare(backend)
  }

  /** Ends the preparation. What has been downloaded is kept by the browser. */
  cancel(): void {
    if (this.isPreparing) this.#run?.abort(new InfernetError('stream.cancelled'))
  }

  pause(): void {
    this.#setReason('you', true)
  }

  resume(): void {
    this.#setReason('you', false)
  }

  /** Takes no new prompts, finishes the running ones, then ends. */
  async drain(): Promise<void> {
    const provision = this.#provision
    if (!provision || !this.isProviding) return
    this.#enter('draining')
    await provision.drain().catch(() => undefined)
    await this.#end('ended')
  }

  /** Ends at once: running answers move to other tabs. */
  async stop(): Promise<void> {
    if (this.isPreparing) return this.cancel()
    if (this.isProviding) await this.#end('ended')
  }

  /** Back to the beginning after an end or a failure. */
  reset(): void {
    if (this.#stage === 'ended' || this.#stage === 'failed') this.#enter('idle')
    this.#error = undefined
    this.#provided = undefined
  }

  async #prepare(backend: WantedBackend): Promise<void> {
    const run = new AbortController()
    this.#run = run
    this.#error = undefined
    this.#started = undefined
    this.#progress = undefined
    this.#loadStart = undefined
    this.#liveSince = undefined
    this.#wanted = backend
    this.#enter('checking')
    try {
      const choice = this.model ?? (await this.#firstModel())
      this.#provided = choice
      await this.inspect()
      run.signal.throwIfAborted()
      // Joining goes on beside the download; who goes live hears of its failure.
      void this.#session.providing.open().catch(() => undefined)
      const started = await this.#services.startEngine(
        choice.model,
        {
          backend,
          share: this.#settings.dutyPercent.value / 100,
          onProgress: (progress) => this.#onProgress(progress),
        },
        { signal: run.signal },
      )
      this.#started = started
      await this.#goLive(started, run.signal)
    } catch (thrown) {
      await this.#release()
      if (run.signal.aborted) return this.#enter('idle')
      this.#error = InfernetError.from(thrown, 'engine.load-failed')
      this.#enter('failed')
    }
  }

  /** Providing may be asked for, as by the address, before the list of models is here. */
  async #firstModel(): Promise<ModelChoice> {
    await this.#session.modelsReady
    if (!this.model) throw this.#session.modelsError ?? new InfernetError('models.unknown')
    return this.model
  }

  async #goLive(started: StartedEngine, signal: AbortSignal): Promise<void> {
    const mesh = await this.#session.providing.open()
    signal.throwIfAborted()
    const payee = await this.#payments.beforeProviding(mesh, { signal })
    await mesh.startProviding({ signal })
    signal.throwIfAborted()
    const { engine } = started
    // A price that nobody could pay is none: without a wallet, or a chain, it provides for nothing.
    const price = (payee && this.price) ?? FREE_PRICE
    const settings = this.#settings
    const provision = mesh.peer.provide(engine, {
      price,
      payee,
      get share() {
        return settings.dutyPercent.value / 100
      },
      get selfTest() {
        return offeredTest(started)
      },
    })
    this.#provision = provision
    provision.onChange(() => this.#read(provision))
    this.#liveSince = this.#services.clock.now()
    this.#reasons = []
    this.#enter('live')
    this.#read(provision)
    this.#applyConditions()
    engine.onChange(() => this.#onEngineChange(engine))
    this.#onEngineChange(engine)
  }

  #onProgress(progress: LoadProgress): void {
    if (!this.isPreparing) return
    if (this.#stage !== progress.phase) this.#enter(progress.phase)
    const at = this.#services.clock.monotonic()
    if (progress.phase !== 'downloading') this.#loadStart = undefined
    else this.#loadStart ??= { at, bytes: progress.loadedBytes }
    const start = this.#loadStart
    const seconds = start ? (at - start.at) / 1000 : 0
    const bytesPerSecond = start && seconds > 0.5 ? (progress.loadedBytes - start.bytes) / seconds : undefined
    this.#progress = { ...progress, bytesPerSecond }
  }

  #read(provision: Provision): void {
    if (provision !== this.#provision) return
    const { jobs, served } = provision
    this.#jobs = [...jobs]
    this.#served = {
      // The provision counts a job when it is over; what runs is added here.
      tokens: served.tokens + jobs.reduce((sum, job) => sum + job.tokens, 0),
      jobs: served.jobs,
      handedOver: served.handedOver,
      due: served.due + jobs.reduce((sum, job) => sum + job.due, 0n),
    }
    this.#acceptedAt = provision.offerAcceptedAt
    this.#rate = counted(this.#rate, this.#services.clock.monotonic(), this.#served.tokens)
    this.#watchFrames()
  }

  #setReason(reason: PauseReason, on: boolean): void {
    if (this.#stage !== 'live' && this.#stage !== 'paused') return
    const others = this.#reasons.filter((each) => each !== reason)
    this.#reasons = on ? [...others, reason] : others
    if (this.#reasons.length > 0 && this.#stage === 'live') {
      this.#enter('paused')
      this.#provision?.pause()
    } else if (this.#reasons.length === 0 && this.#stage === 'paused') {
      this.#enter('live')
      this.#provision?.resume()
    }
  }

  /** Pauses and goes on with the tab's conditions. Called again when a limit is switched. */
  #applyConditions(): void {
    const { conditions } = this.#services
    const limits = this.#settings
    this.#setReason('hidden', limits.pauseHidden.value && conditions.hidden)
    this.#setReason('battery', limits.pauseOnBattery.value && conditions.onBattery === true)
    this.#setReason('metered', limits.pauseMetered.value && conditions.metered === true)
    this.#watchFrames()
  }
  limitsChanged(): void {
    this.#applyConditions()
    this.#yield.changed()
  }

  #watchFrames(): void {
    this.#yield.watch(this.#jobs.length > 0 && !this.#services.conditions.hidden)
  }

  #onEngineChange(engine: StandingEngine): void {
    if (engine !== this.#started?.engine || !this.isProviding) return
    const { state } = engine
    if (state.stage === 'ended') return void this.#fail(state.reason)
    // Running answers wait for the next engine; nobody new is invited meanwhile.
    this.#setReason('restart', state.stage === 'restarting')
    this.#restart = state.stage === 'restarting' ? state : undefined
    if (state.stage === 'up') this.#yield.changed()
  }

  async #fail(error: InfernetError): Promise<void> {
    await this.#release()
    this.#error = error
    this.#enter('failed')
  }

  async #end(stage: 'ended'): Promise<void> {
    if (!this.isProviding) return
    this.#enter(stage)
    await this.#release()
  }

  /** Gives everything back: the offer, the place at the relay, the engine. */
  async #release(): Promise<void> {
    const provision = this.#provision
    this.#provision = undefined
    this.#jobs = []
    this.#rate = NO_RATE
    this.#acceptedAt = undefined
    this.#reasons = []
    this.#restart = undefined
    this.#watchFrames()
    if (provision && provision.state !== 'ended') await provision.stop().catch(() => undefined)
    await this.#payments.afterProviding()
    await this.#session.providing.close()
    await this.#started?.engine.close().catch(() => undefined)
    this.#provided = undefined
  }

  #enter(stage: ProvideStage): void {
    if (!mayFollow(this.#stage, stage)) throw new Error(`lending cannot go from ${this.#stage} to ${stage}`)
    this.#stage = stage
  }
}
