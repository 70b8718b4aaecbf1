import type { ModelHash } from '#shared/base/ids.ts'
import type { Random } from '#shared/base/random.ts'
import { MIB, millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { NetworkView } from '#shared/peer/peer.ts'
import { isClaimAlone } from '#shared/models/catalogue/merge-catalogues.ts'
import { wantedModel, type WantedCandidate } from '#shared/schedule/demand/wanted-model.ts'
import type { Session } from '../session/session.svelte.ts'
import type { PageIdle } from './page-idle.ts'
import type { Provide } from './provide.svelte.ts'
import type { ProvideServices } from './services.ts'

/** How often it is decided anew, give or take a quarter, so that tabs that were opened together do not move together. */
const DECIDE_EVERY_MS = 15 * MINUTE_MS
/** When the device has come to rest, or the mode is switched on, within this. */
const DECIDE_SOON_MS = 20 * SECOND_MS
/** What was loaded is lent for so long at least: its download was the dearest part. */
const STAY_MS = 30 * MINUTE_MS

/** Reckoned where nothing was measured, in bytes a second: a line of 50 Mbit/s. */
const USUAL_LINE = 6.25e6
/** Reckoned where nothing was measured: a token reads all weights once, at 20 GB/s. */
const USUAL_MEMORY = 2e10
/** The processor is too slow for more. */
const MAX_PROCESSOR_BYTES = 512 * MIB

/** Where the visitor's choices are kept. */
const ON = 'provide.wanted'
const LINE_IS_FREE = 'provide.line-is-free'

/** Why nothing is loaded now. */
export type LendHold =
  | 'in-use'
  | 'battery'
  | 'metered'
  /** The browser does not say whether the line is metered, and neither did the visitor. */
  | 'line-unknown'
  | 'no-network'
  | 'nothing-wanted'
  /** What is wanted and fits has a licence that the visitor did not accept. */
  | 'unaccepted'
  /** The visitor stopped lending. */
  | 'stopped'

export interface LendWantedComponents {
  readonly services: Pick<ProvideServices, 'clock' | 'settings' | 'conditions' | 'inspectGpu'>
  readonly random: Random
  readonly idle: PageIdle
  /** Whether its licence asks nothing, or was accepted: nobody is there to be asked. */
  readonly mayLoad: (choice: ModelChoice) => boolean
  /** Whether an answer is written for this page's own visitor. */
  readonly isAsking: () => boolean
}

/** The mode *lend what is wanted*: when the device rests, is charged and not metered, lends what the network lacks. */
export class LendWanted {
  readonly #components: LendWantedComponents
  readonly #provide: Provide
  readonly #session: Session
  #on = $state(false)
  #lineIsFree = $state(false)
  /** Models that could not be started on this device since the page was opened. */
  #failed: readonly ModelHash[] = []
  #hold = $state.raw<LendHold | undefined>()
  #unknowns = $state.raw<{ readonly battery: boolean; readonly line: boolean }>({
    battery: false,
    line: false,
  })
  #timer: { stop(): void } | undefined
  #isDeciding = false
  /** Whether the last look left out what fits, for its licence alone. */
  #isLicenceMissing = false
  /** What this mode started. */
  #lends: ModelHash | undefined
  #staysUntil = 0

  constructor(components: LendWantedComponents, provide: Provide, session: Session) {
    this.#components = components
    this.#provide = provide
    this.#session = session
    const { settings, conditions } = components.services
    // Not as `Persisted`, which is in the page's first load: taken from there, the bundler parts that in two.
    this.#on = settings.get(ON) === 'yes'
    this.#lineIsFree = settings.get(LINE_IS_FREE) === 'yes'
    conditions.onChange(() => this.#conditionsChanged())
    components.idle.onChange(() => this.#conditionsChanged())
    this.#conditionsChanged()
  }

  get on(): boolean {
    return this.#on
  }
  /** Switching it off ends nothing that is lent. */
  set on(on: boolean) {
    this.#on = on
    this.#components.services.settings.set(ON, on ? 'yes' : 'no')
    this.#lends = undefined
    if (on && this.#provide.stage === 'ended') this.#provide.reset()
    this.#conditionsChanged()
  }

  /** The visitor's word that the line is not metered, for a browser that does not say. */
  get lineIsFree(): boolean {
    return this.#lineIsFree
  }
  set lineIsFree(isFree: boolean) {
    this.#lineIsFree = isFree
    this.#components.services.settings.set(LINE_IS_FREE, isFree ? 'yes' : 'no')
    this.#conditionsChanged()
  }

  /** Why nothing is loaded now; undefined while nothing speaks against it, and while the mode is off. */
  get hold(): LendHold | undefined {
    return this.#hold
  }

  /** What this browser does not tell. */
  get unknowns(): { readonly battery: boolean; readonly line: boolean } {
    return this.#unknowns
  }

  /** For good. What is lent goes on. */
  stop(): void {
    this.#timer?.stop()
  }

  #conditionsChanged(): void {
    const { onBattery, metered } = this.#components.services.conditions
    this.#unknowns = { battery: onBattery === undefined, line: metered === undefined }
    this.#timer?.stop()
    this.#hold = this.on ? this.#conditionHold() : undefined
    if (this.on && !this.#hold) this.#decideIn(DECIDE_SOON_MS * this.#chance())
  }

  /** A line of which nothing is known counts as metered, and a device of which nothing is known as charged: most are. */
  #conditionHold(): LendHold | undefined {
    const { services, idle, isAsking } = this.#components
    const { onBattery, metered } = services.conditions
    if (onBattery === true) return 'battery'
    if (metered === true) return 'metered'
    if (metered === undefined && !this.lineIsFree) return 'line-unknown'
    return idle.isIdle && !isAsking() ? undefined : 'in-use'
  }

  #decideIn(ms: number): void {
    this.#timer?.stop()
    this.#timer = this.#components.services.clock.schedule(millis(ms), () => void this.#decide())
  }

  /** 0 up to, not including, 1. */
  #chance(): number {
    return new DataView(this.#components.random.bytes(4).buffer).getUint32(0) / 2 ** 32
  }

  async #decide(): Promise<void> {
    if (this.#isDeciding) return
    this.#isDeciding = true
    try {
      this.#hold = this.#conditionHold() ?? (await this.#followDemand())
    } finally {
      this.#isDeciding = false
      if (this.on) this.#decideIn(DECIDE_EVERY_MS * (0.75 + 0.5 * this.#chance()))
    }
  }

  /** Lends what is drawn. Gives why nothing can be. */
  async #followDemand(): Promise<LendHold | undefined> {
    const provide = this.#provide
    if (provide.stage === 'failed') this.#dropFailed()
    if (this.#wasStopped) return 'stopped'
    const isFixed = provide.isPreparing || provide.stage === 'draining'
    if (isFixed || (provide.isProviding && this.#now < this.#staysUntil)) return undefined
    const view = await this.#look()
    if (!view) return 'no-network'
    const current = provide.isProviding ? provide.model?.model : undefined
    const wanted = wantedModel(await this.#candidates(view, current), { ...this.#components, current })
    const choice = this.#session.choice(wanted)
    if (!choice) return current ? undefined : this.#isLicenceMissing ? 'unaccepted' : 'nothing-wanted'
    const hold = this.#conditionHold() // it may have changed meanwhile
    if (!hold && this.on && wanted !== current) await this.#lend(choice)
    return hold
  }

  get #now(): number {
    return this.#components.services.clock.monotonic()
  }

  /** Whoever stops what is lent, or its preparation, is not to find it going again by itself. */
  get #wasStopped(): boolean {
    const { stage } = this.#provide
    return stage === 'ended' || (stage === 'idle' && this.#lends !== undefined)
  }

  #dropFailed(): void {
    if (this.#provide.model) this.#failed = [...this.#failed, this.#provide.model.model]
    this.#lends = undefined
    this.#provide.reset()
  }

  async #lend(choice: ModelChoice): Promise<void> {
    const provide = this.#provide
    if (provide.isProviding) {
      await provide.drain()
      provide.reset()
    }
    provide.model = choice
    this.#lends = choice.model
    this.#staysUntil = this.#now + STAY_MS
    void provide.start()
  }

  async #look(): Promise<NetworkView | undefined> {
    try {
      return await (await this.#session.ready()).peer.look()
    } catch {
      return undefined
    }
  }

  async #candidates(view: NetworkView, current: ModelHash | undefined): Promise<readonly WantedCandidate[]> {
    this.#isLicenceMissing = false
    const candidates = (view.demand ?? []).map(async ({ model, share, loaded }) => {
      const choice = this.#session.choice(model)
      // What its publisher alone vouches for is loaded when a person says so.
      if (!choice || isClaimAlone(choice.listed)) return []
      const fits = model === current || (await this.#fits(choice))
      if (!this.#components.mayLoad(choice)) {
        this.#isLicenceMissing ||= fits
        return []
      }
      return [
        {
          ...{ model, share, loaded: Math.max(0, loaded - (model === current ? 1 : 0)) },
          price: Number(choice.suggestedPrice.outputPerMillion),
          tokensPerSecond: this.#speedOf(choice),
          loadSeconds: choice.bytes / USUAL_LINE,
          fits,
        },
      ]
    })
    return (await Promise.all(candidates)).flat()
  }

  /** As measured of what is lent, in proportion to the bytes that a token reads; else reckoned. */
  #speedOf({ bytes }: ModelChoice): number {
    const { started, model } = this.#provide
    const measured = started && model ? started.engine.info.decodeTokensPerSecond * model.bytes : USUAL_MEMORY
    return measured / Math.max(1, bytes)
  }

  async #fits({ model, bytes }: ModelChoice): Promise<boolean> {
    if (this.#failed.includes(model)) return false
    const { problem } = await this.#components.services.inspectGpu(model)
    return !problem || (problem.code !== 'mesh.insecure-page' && bytes <= MAX_PROCESSOR_BYTES)
  }
}
