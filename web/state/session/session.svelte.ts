import { SvelteMap } from 'svelte/reactivity'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { raceSignal } from '#shared/base/wait.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { ModelList } from '#shared/client/model-library.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { isOutdated } from '#shared/mesh/is-outdated.ts'
import type { NetworkView, RelayView, SeenOffer } from '#shared/peer/peer.ts'
import type { Path } from '#shared/schedule/assignment.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import { ProvidingPlace } from './providing-place.svelte.ts'
import { Sightings, type Sighting } from './sightings.ts'
import type { SessionServices } from './services.ts'
import type { Settings } from './settings.svelte.ts'

/** Offers live a minute at most; asking every few seconds keeps the counts honest and costs a relay little. */
const LOOK_EVERY_MS = 5 * SECOND_MS
/** A relay answers within a tenth of a second; one that has not by then may be gone without a goodbye. */
const DOUBTFUL_LOOK_MS = 1.5 * SECOND_MS
const LOOK_EVERY_HIDDEN_MS = 30 * SECOND_MS
/** A prompt that waits should go out soon after someone comes, hidden tab or not. */
const LOOK_EVERY_WAITING_MS = 2 * SECOND_MS
const RETRY_MS = [2, 4, 8, 15, 30].map((seconds) => seconds * SECOND_MS)
const MAX_RETRY_MS = Math.max(...RETRY_MS)
/** An offer that has run out is shown as unconfirmed for this long, then it is forgotten. */
const KEEP_EXPIRED_MS = 3 * 60 * SECOND_MS
/** Four hours of samples: enough for the curve, small enough for a tab that stays open for weeks. */
const MAX_SAMPLES = 240
const SAMPLE_EVERY_MS = 60 * SECOND_MS

const NOBODY: ReadonlyMap<PeerName, InfernetError> = new Map()

/** `checking`: the relay that was there has not answered for a moment. `outdated`: the relays answer, and all of them speak a newer version than this page. */
export type SessionStage = 'connecting' | 'up' | 'checking' | 'no-relay' | 'outdated' | 'failed'

/** A round trip that this tab measured itself. */
export interface Measured {
  readonly ms: number
  readonly path: Path
  readonly at: number
}

/** Places taken of places offered, as the live offers said at one moment. */
export interface UseSample {
  readonly at: number
  readonly busy: number
  readonly slots: number
}

/** The tab's place in the network: the mesh, its relays and what the signed offers say, each with its age. */
export class Session {
  readonly #services: SessionServices
  readonly #settings: Settings
  #mesh = $state.raw<Mesh | undefined>()
  #opening: Promise<Mesh> | undefined
  readonly #life = new AbortController()
  readonly providing: ProvidingPlace
  #error = $state.raw<InfernetError | undefined>()
  #relays = $state.raw<readonly RelayView[]>([])
  #directPeers = $state.raw<readonly PeerName[]>([])
  #view = $state.raw<NetworkView | undefined>()
  #looksWell = $state(false)
  #lookFailed = $state(false)
  #list = $state.raw<ModelList>({ choices: [], proposals: [], leftOut: [] })
  #modelsReady: Promise<void> | undefined
  #modelsError = $state.raw<InfernetError | undefined>()
  readonly #sightings = new Sightings()
  readonly #measured = new SvelteMap<PeerName, Measured>()
  #samples = $state.raw<readonly UseSample[]>([])
  #now = $state(0)
  #clockAheadMs = $state(0)
  #retryAt = $state<number | undefined>()
  #retries = 0
  /** By the clock that never goes back: a computer's time may be set while this page is open. */
  #lookAt = -Infinity
  #looking: Promise<void> | undefined
  #waiting: (() => void)[] = []
  #tick: { stop(): void } | undefined
  #stopMesh: (() => void) | undefined

  constructor(services: SessionServices, settings: Settings) {
    this.#services = services
    this.#settings = settings
    this.providing = new ProvidingPlace(services, this.#life.signal)
    this.#now = services.clock.now()
  }

  get stage(): SessionStage {
    if (this.#error) return 'failed'
    if (!this.#mesh) return 'connecting'
    if (this.#relays.some((relay) => relay.state === 'up')) return 'up'
    if (this.#relays.some((relay) => relay.state === 'checking')) return 'checking'
    if (isOutdated(this.#relays)) return 'outdated'
    return this.#relays.some((relay) => relay.state === 'connecting') ? 'connecting' : 'no-relay'
  }
  get mesh(): Mesh | undefined {
    return this.#mesh
  }
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** Why there is no list of models. */
  get modelsError(): InfernetError | undefined {
    return this.#modelsError
  }
  /** The relays of the asking side, with whether one keeps a place for the providing side. */
  get relays(): readonly RelayView[] {
    const { reserved } = this.providing
    return this.#relays.map((view) => ({ ...view, reserved: reserved.includes(view.relay) }))
  }
  /** This tab's names: the one it asks under, and while it provides the other. */
  get ownNames(): readonly PeerName[] {
    return [this.#mesh?.name, this.providing.name].filter((name) => name !== undefined)
  }
  /** Under whose name this tab says what it found: the lasting one while it provides, to which a stake may belong. */
  async speaker(): Promise<Mesh> {
    return this.providing.mesh ?? this.ready()
  }
  get directPeers(): readonly PeerName[] {
    return this.#directPeers
  }
  get models(): readonly ModelChoice[] {
    return this.#list.choices
  }
  /** All that the lists say: also what nobody has added yet, and what was left out. */
  get list(): ModelList {
    return this.#list
  }
  /** Resolves when the list of models has been read, well or not. */
  get modelsReady(): Promise<void> {
    this.#modelsReady ??= this.#loadModels()
    return this.#modelsReady
  }
  /** Reads the lists anew, because the visitor has added a model. What was read before stands until then. */
  readModels(): Promise<void> {
    this.#modelsReady = this.#loadModels()
    return this.#modelsReady
  }
  get measured(): ReadonlyMap<PeerName, Measured> {
    return this.#measured
  }
  get samples(): readonly UseSample[] {
    return this.#samples
  }
  /** Wall-clock time, moved on once a second: ages hang on it. */
  get now(): number {
    return this.#now
  }
  /** How far the relay's clock is ahead of this computer's; less than zero for behind. `now` goes by the relay's. */
  get clockAheadMs(): number {
    return this.#clockAheadMs
  }
  /** When the next attempt to open the mesh is due. */
  get retryAt(): number | undefined {
    return this.#retryAt
  }
  /** When the relays were last heard; `undefined` before the first answer. */
  get takenAt(): number | undefined {
    return this.#view?.takenAt
  }
  /** True when a relay is connected and yet tells nothing of who provides. */
  get silent(): boolean {
    return this.#lookFailed && this.stage === 'up'
  }
  /** False while the relays do not answer: what is shown then is old. */
  get fresh(): boolean {
    return this.#looksWell && this.stage === 'up'
  }

  /** Offers that stand now, by this tab's clock. */
  get live(): readonly SeenOffer[] {
    return (this.#view?.offers ?? []).filter((seen) => !this.#isOver(seen))
  }
  /** How often its offer stood when this tab looked; undefined for one that was never seen. */
  sightingOf(provider: PeerName): Sighting | undefined {
    return this.#view && this.#sightings.of(provider)
  }
  /** Offers that have run out with no newer one. */
  get unconfirmed(): readonly SeenOffer[] {
    return (this.#view?.offers ?? []).filter((seen) => this.#isOver(seen))
  }
  /** Providers that the relays name and that this page cannot ask, and why. */
  get unread(): ReadonlyMap<PeerName, InfernetError> {
    return this.#view?.unread ?? NOBODY
  }
  /** Everybody who provides now, once, however many models they offer. */
  get providers(): { readonly tabs: number; readonly servers: number } {
    const offers = this.live.map(({ offer }) => offer)
    const once = offers.filter((offer, i) => offers.findIndex((o) => o.provider === offer.provider) === i)
    const servers = once.filter(({ kind }) => kind === 'node').length
    return { tabs: once.length - servers, servers }
  }
  /** Offers for a model from others than this tab. */
  offersFor(model: ModelHash | undefined): readonly SeenOffer[] {
    const own = this.ownNames
    return this.live.filter(({ offer }) => offer.model === model && !own.includes(offer.provider))
  }

  choice(model: string | undefined): ModelChoice | undefined {
    return this.models.find((choice) => choice.model === model)
  }

  start(): void {
    this.#beat()
    void this.modelsReady
    void this.ready().catch(() => undefined)
  }

  /** The mesh, opened once; everybody who needs it waits for the same opening. */
  ready(): Promise<Mesh> {
    this.#opening ??= this.#open().finally(() => {
      if (!this.#mesh) this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * Keeps this tab's address from those it asks, or no longer, from now on. The way to that is a new mesh: connections
   * that show the address end with the old one, and so does the name that it was seen under.
   */
  async hideAddress(on: boolean): Promise<void> {
    this.#settings.hideAddress.value = on
    await this.#opening?.catch(() => undefined)
    const old = this.#mesh
    if (!old || (old.hiddenBy !== undefined) === this.#settings.hideAddress.value) return
    this.#stopMesh?.()
    this.#mesh = this.#opening = undefined
    this.#relays = []
    this.#directPeers = []
    this.#view = undefined // a question waits until the new mesh has heard who provides: before, it can reach nobody
    await old.stop().catch(() => undefined)
    await this.ready().catch(() => undefined)
  }

  /** Opens again at once, or asks the relays at once. */
  async retry(): Promise<void> {
    this.#retryAt = undefined
    if (this.models.length === 0) this.#modelsReady = this.#loadModels()
    const mesh = await this.ready().catch(() => undefined)
    mesh?.check()
    this.providing.check()
    await this.look()
  }

  /** Asks the relays what they know; a failure keeps the last good answer. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Resolves when somebody else provides the model. The relays are asked once before `onWait` tells the visitor. */
  async whenProvided(model: ModelHash, options: { signal: AbortSignal; onWait: () => void }): Promise<void> {
    const { signal } = options
    const present = (): boolean => this.offersFor(model).length > 0
    if (!present()) await raceSignal(this.look(), signal)
    if (present()) return
    // A failure that is not tried again would be waited for in vain.
    if (this.#error && this.#retryAt === undefined && !this.#opening) throw this.#error
    options.onWait()
    let check: () => void = () => undefined
    try {
      const arrival = new Promise<void>((resolve, reject) => {
        check = () => {
          if (present()) resolve()
          else if (this.stage === 'outdated') reject(new InfernetError('mesh.outdated'))
        }
        this.#waiting.push(check)
        check()
      })
      this.#lookAt = -Infinity
      await raceSignal(arrival, signal)
    } finally {
      this.#waiting = this.#waiting.filter((each) => each !== check)
    }
  }

  /** Keeps a round trip that an answer measured. */
  measure(peer: PeerName, ms: number, path: Path): void {
    this.#measured.set(peer, { ms, path, at: this.#services.clock.now() })
  }

  async stop(): Promise<void> {
    this.#life.abort(new DOMException('the page closes', 'AbortError'))
    this.#tick?.stop()
    this.#stopMesh?.()
    await this.providing.close()
    await this.#mesh?.stop()
  }

  #isOver(seen: SeenOffer): boolean {
    return seen.expired || seen.offer.expiresAt <= this.#now
  }

  async #open(): Promise<Mesh> {
    this.#error = undefined
    try {
      if (!this.#services.secure) throw new InfernetError('mesh.insecure-page')
      const hidesAddress = this.#settings.hideAddress.value
      const mesh = await this.#services.openMesh(
        { purpose: 'ask', hidesAddress },
        { signal: this.#life.signal },
      )
      this.#mesh = mesh
      this.#retries = 0
      const read = (): void => {
        const before = this.#relays.filter(isUp).length
        this.#relays = [...mesh.relays]
        if (this.#relays.filter(isUp).length < before) this.providing.check() // it has the same way to the network
        this.#directPeers = [...mesh.directPeers]
        this.#lookAt = -Infinity
        if (this.stage === 'outdated') this.#checkWaiting()
      }
      this.#stopMesh = mesh.onChange(read)
      read()
      void this.look()
      return mesh
    } catch (thrown) {
      const error = InfernetError.from(thrown)
      this.#error = error
      if (error.code !== 'mesh.insecure-page') {
        const delay = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)] ?? SECOND_MS
        this.#retryAt = this.#services.clock.now() + delay
      }
      throw error
    }
  }

  async #look(): Promise<void> {
    const mesh = this.#mesh
    if (!mesh) return
    this.#lookAt = this.#services.clock.monotonic() + this.#lookPause()
    const doubt = this.#services.clock.schedule(millis(DOUBTFUL_LOOK_MS), () => {
      mesh.check()
      this.providing.check() // it has the same way to the network, and asks less often
    })
    try {
      const view = await mesh.peer.look({ signal: this.#life.signal })
      if (mesh !== this.#mesh) return
      this.#relays = [...view.relays] // with the round trip that this look took
      this.#looksWell = true
      this.#lookFailed = false
      this.#now = this.#services.clock.now()
      this.#sightings.note(
        view.offers.flatMap(({ offer, expired }) => (expired ? [] : [offer.provider])),
        view.takenAt,
      )
      this.#view = { ...view, offers: [...view.offers, ...this.#runOut(view)] }
      this.#sample()
      this.#checkWaiting()
    } catch {
      if (mesh !== this.#mesh) return
      this.#looksWell = false
      this.#lookFailed = true
    } finally {
      doubt.stop()
    }
  }

  #checkWaiting(): void {
    for (const check of [...this.#waiting]) check()
  }

  /** Offers seen before that ran out without a newer one. One that went before its time was withdrawn: it is gone. */
  #runOut(view: NetworkView): SeenOffer[] {
    const isNamed = ({ provider, model }: Offer): boolean =>
      view.offers.some(({ offer }) => offer.provider === provider && offer.model === model)
    return (this.#view?.offers ?? []).filter(
      (seen) =>
        !isNamed(seen.offer) && this.#isOver(seen) && this.#now - seen.offer.expiresAt < KEEP_EXPIRED_MS,
    )
  }

  #lookPause(): number {
    if (this.#waiting.length > 0) return LOOK_EVERY_WAITING_MS
    return this.#services.conditions.hidden ? LOOK_EVERY_HIDDEN_MS : LOOK_EVERY_MS
  }

  async #loadModels(): Promise<void> {
    try {
      const list = await this.#services.models()
      // Whoever serves two manifests may serve the same one twice: a model stands in a list once.
      const isFirst = ({ model }: ModelChoice, i: number): boolean =>
        list.choices.findIndex((each) => each.model === model) === i
      this.#list = { ...list, choices: list.choices.filter(isFirst) }
      this.#modelsError = undefined
    } catch (thrown) {
      this.#modelsError = InfernetError.from(thrown)
    }
  }

  #sample(): void {
    const last = this.#samples.at(-1)
    if (last && this.#now - last.at < SAMPLE_EVERY_MS) return
    const sum = { busy: 0, slots: 0 }
    for (const { offer } of this.live) {
      sum.busy += Math.min(offer.busySlots, offer.slots)
      sum.slots += offer.slots
    }
    if (sum.slots > 0) this.#samples = [...this.#samples, { at: this.#now, ...sum }].slice(-MAX_SAMPLES)
  }

  #beat(): void {
    const { clock } = this.#services
    this.#now = clock.now()
    this.#clockAheadMs = this.#services.clockAheadMs()
    const untilRetry = (this.#retryAt ?? Infinity) - this.#now
    // A longer wait than any of ours: the clock was set back meanwhile.
    if (untilRetry <= 0 || (untilRetry > MAX_RETRY_MS && untilRetry < Infinity)) {
      this.#retryAt = undefined
      void this.ready().catch(() => undefined)
    }
    if (this.#mesh && clock.monotonic() >= this.#lookAt) void this.look()
    this.#tick = clock.schedule(millis(SECOND_MS), () => this.#beat())
  }
}

function isUp({ state }: RelayView): boolean {
  return state === 'up'
}
