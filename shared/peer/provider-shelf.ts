import { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import type { ModelHash } from '../base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS, type Millis } from '../base/units.ts'
import { raceSignal, withDeadline } from '../base/wait.ts'
import type { StandingEngine } from '../engine/standing-engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_LOAD_MS } from '../prompt/constants.ts'
import { MAX_OFFERS_PER_PEER } from '../schedule/constants.ts'
import type { Tier } from '../schedule/offer.ts'
import { MAX_WAITING_JOBS } from '../stream/constants.ts'
import type { ModelPlace } from './peer.ts'
import { loadMsOf } from './shelf-wait.ts'
import { ShelfSlot, type ShelfEntry } from './shelf-slot.ts'

/**
 * A model that was loaded stays for this long, so that two who ask for two models in turn cannot make a provider load all
 * day: at the usual 15 s a load, it spends a fifth of its time on loading at worst.
 */
const MIN_STAY_MS = MINUTE_MS

/** When one was loaded that no job was loaded for: it may leave at once. */
const BY_ITS_OWNER = millis(-Infinity)

/** An engine that does not close within this is left behind: the next load says whether its memory is free. */
const CLOSE_DEADLINE_MS = 10 * SECOND_MS

/** After a load that failed the model is not offered for so long, twice as long after each further one, then never. */
const FIRST_REST_MS = MINUTE_MS
const MAX_FAILURES = 3

export interface ShelfComponents {
  readonly clock: Clock
  /** Brings a model to the GPU, its self-test included, and keeps it up. The signal ends that. */
  readonly load: (model: ModelHash, options: { readonly signal: AbortSignal }) => Promise<StandingEngine>
  /** Whether these fit on the GPU together. @default one alone does */
  readonly fits?: (models: readonly ModelHash[]) => boolean
}

export interface ShelfInit {
  /** @default one minute */
  readonly minStayMs?: number
  /** Jobs that may wait for a model, of all models. @default MAX_WAITING_JOBS */
  readonly maxWaiting?: number
}

/**
 * Several models of one provider, of which one (or as many as fit) is on the GPU. The others are offered with their tier,
 * and brought there when a job for one is accepted.
 *
 * One load runs at a time, in the order in which they were asked for; a loaded model stays for a while, and its running
 * jobs end first. Once its time is over and another one waits, it takes no new jobs before that one: nobody waits for
 * ever behind a model that everybody wants. The queue is bounded, and so is the wait that is said beforehand.
 *
 * @example
 * const shelf = new ProviderShelf({ clock, load: (model, options) => startEngine(model, options) })
 * await shelf.add(model, { tier: 'disk' })
 * provideModel(peer, shelf.engineOf(model), { place: shelf.placeOf(model) })
 */
export class ProviderShelf {
  readonly #components: ShelfComponents
  readonly #minStayMs: number
  readonly #maxWaiting: number
  readonly #slots = new Map<ModelHash, ShelfSlot>()
  readonly #changes = new ChangeEmitter()
  /** Models that wait to be loaded, in order. */
  readonly #queue: ShelfSlot[] = []
  #loading:
    { readonly slot: ShelfSlot; readonly since: Millis; readonly aborter: AbortController } | undefined
  #timer: { stop(): void } | undefined

  constructor(
    components: ShelfComponents,
    { minStayMs = MIN_STAY_MS, maxWaiting = MAX_WAITING_JOBS }: ShelfInit = {},
  ) {
    this.#components = components
    this.#minStayMs = minStayMs
    this.#maxWaiting = maxWaiting
  }

  /** What is on the shelf, and where; `tier` is undefined for what is on the GPU. */
  get models(): readonly { readonly model: ModelHash; readonly tier: Tier | undefined }[] {
    return [...this.#slots.values()].map(({ model, tier }) => ({ model, tier }))
  }

  /** What is being brought to the GPU now. */
  get loading(): ModelHash | undefined {
    return this.#loading?.slot.model
  }

  /**
   * Puts a model on the shelf. One that was never measured on this device is loaded once, which says how long that takes
   * and shows that it answers right.
   *
   * @throws InfernetError `schedule.directory-full` beyond eight models, `stream.busy` for one that is there already, what
   * loading throws, or the signal's reason
   */
  async add(model: ModelHash, entry: ShelfEntry, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#put(model, entry)
    if (entry.measured) return this.#changes.emit()
    try {
      await this.bring(model, { signal })
    } catch (thrown) {
      await this.remove(model)
      throw thrown
    }
  }

  /**
   * Brings a model to the GPU when its turn comes, without a job: one that is loaded for that may leave again at once.
   *
   * @throws InfernetError `models.unknown`, what loading throws, or the signal's reason
   */
  async bring(model: ModelHash, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const slot = this.#slotOf(model)
    const isThere = slot.loaded !== undefined
    const letGo = await this.#take(slot, signal)
    if (!isThere) slot.loadedAt = BY_ITS_OWNER
    letGo()
  }

  /**
   * Puts a model on the shelf that its owner has brought to the GPU already.
   *
   * @param loadMs how long that took, without its download
   * @throws InfernetError as {@link add} for one that is there already, or too many
   */
  adopt(
    model: ModelHash,
    entry: Pick<ShelfEntry, 'tier'>,
    { engine, loadMs }: { readonly engine: StandingEngine; readonly loadMs: Millis },
  ): void {
    const slot = this.#put(model, entry)
    slot.adopt(engine, { loadMs, now: this.#components.clock.monotonic() })
    slot.loadedAt = BY_ITS_OWNER
    this.#follow(slot, engine)
    this.#changes.emit()
  }

  /** The model as an engine, for `provideModel`. @throws InfernetError `models.unknown` */
  engineOf(model: ModelHash): StandingEngine {
    return this.#slotOf(model).engine
  }

  /** Where the model is, for `provideModel`. @throws InfernetError `models.unknown` */
  placeOf(model: ModelHash): ModelPlace {
    const slot = this.#slotOf(model)
    const [msOf, take] = [(): Millis | undefined => this.#loadMs(slot), this.#take.bind(this, slot)]
    return {
      get tier() {
        return slot.tier
      },
      get loadMs() {
        return msOf()
      },
      take: ({ signal }) => take(signal),
      onChange: (callback) => this.#changes.listen(callback),
    }
  }

  /** Takes a model off the shelf: whoever waits for it is refused, and its engine is closed. Never throws. */
  async remove(model: ModelHash): Promise<void> {
    const slot = this.#slots.get(model)
    if (!slot) return
    this.#slots.delete(model)
    this.#unqueue(slot)
    const gone = new InfernetError('stream.draining')
    slot.end(gone)
    if (this.#loading?.slot === slot) this.#loading.aborter.abort(gone)
    await this.#unload(slot)
    this.#work()
  }

  /** Takes everything off. Never throws. */
  async stop(): Promise<void> {
    this.#timer?.stop()
    await Promise.all([...this.#slots.keys()].map((model) => this.remove(model)))
  }

  #put(model: ModelHash, entry: ShelfEntry): ShelfSlot {
    if (this.#slots.has(model)) throw new InfernetError('stream.busy', { running: 1 })
    if (this.#slots.size >= MAX_OFFERS_PER_PEER) throw new InfernetError('schedule.directory-full')
    const slot = new ShelfSlot(model, entry, () => void this.remove(model))
    this.#slots.set(model, slot)
    return slot
  }

  #slotOf(model: ModelHash): ShelfSlot {
    const slot = this.#slots.get(model)
    if (!slot) throw new InfernetError('models.unknown')
    return slot
  }

  /** Resolves when the model is on the GPU; it stays until what comes back is called. */
  async #take(slot: ShelfSlot, signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted()
    slot.throwIfOut()
    if (slot.loaded && !slot.isLeaving) return this.#hold(slot)
    const waiting = [...this.#slots.values()].reduce((sum, each) => sum + each.waiting.size, 0)
    if (waiting >= this.#maxWaiting) throw new InfernetError('stream.busy', { running: 0, waiting })
    const waiter = Promise.withResolvers<() => void>()
    slot.waiting.add(waiter)
    if (!this.#queue.includes(slot) && this.#loading?.slot !== slot) this.#queue.push(slot)
    this.#work()
    try {
      return await raceSignal(waiter.promise, signal)
    } catch (thrown) {
      // One that came at the very moment is let go; a load that runs goes on, since it is paid for in time already.
      waiter.promise.then(
        (letGo) => letGo(),
        () => undefined,
      )
      slot.waiting.delete(waiter)
      if (slot.waiting.size === 0) this.#unqueue(slot)
      this.#work()
      throw thrown
    }
  }

  #hold(slot: ShelfSlot): () => void {
    slot.holders++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      slot.holders--
      slot.usedAt = this.#components.clock.monotonic()
      this.#work()
    }
  }

  /** Does what can be done now: lets those go whose time is over, and loads the first that waits once there is room. */
  #work(): void {
    this.#timer?.stop()
    if (!this.#loading) {
      // One that was to leave is there still, where those who wanted its room went away.
      for (let [first] = this.#queue; first?.loaded; [first] = this.#queue) this.#serve(first)
      const [next] = this.#queue
      const leaving = next ? this.#leavingFor(next) : []
      for (const slot of this.#slots.values()) slot.isLeaving = leaving?.includes(slot) ?? false
      if (next && leaving?.every(({ holders }) => holders === 0)) void this.#load(next)
    }
    this.#changes.emit()
  }

  #serve(slot: ShelfSlot): void {
    this.#unqueue(slot)
    for (const waiter of slot.waiting) waiter.resolve(this.#hold(slot))
    slot.waiting.clear()
  }

  /** What has to leave for it now; undefined where one has to stay for a while yet, and is looked at again then. */
  #leavingFor(next: ShelfSlot): readonly ShelfSlot[] | undefined {
    const { clock } = this.#components
    const victims = this.#victimsOf(next)
    const stayMs = Math.max(0, ...victims.map((slot) => slot.loadedAt + this.#minStayMs - clock.monotonic()))
    if (stayMs <= 0) return victims
    this.#timer = clock.schedule(millis(stayMs), () => this.#work())
    return undefined
  }

  /** What has to leave for it: of those that are loaded, the ones that were not used for longest. */
  #victimsOf(next: ShelfSlot): readonly ShelfSlot[] {
    const { fits = (models) => models.length <= 1 } = this.#components
    const staying = [...this.#slots.values()]
      .filter((slot) => slot !== next && (slot.loaded || slot === this.#loading?.slot))
      .sort((a, b) => Number(a.holders > 0) - Number(b.holders > 0) || a.usedAt - b.usedAt)
    const victims: ShelfSlot[] = []
    while (staying.length > 0 && !fits([...staying, next].map(({ model }) => model)))
      victims.push(...staying.splice(0, 1))
    return victims
  }

  async #load(slot: ShelfSlot): Promise<void> {
    const { clock, load } = this.#components
    const aborter = new AbortController()
    const since = clock.monotonic()
    this.#unqueue(slot)
    this.#loading = { slot, since, aborter }
    const late = (): Error => new InfernetError('engine.load-failed', { reason: 'it took too long' })
    try {
      for (const victim of this.#victimsOf(slot)) await this.#unload(victim)
      const engine = await withDeadline(
        clock,
        millis(MAX_LOAD_MS),
        late,
        (signal) => {
          const loading = load(slot.model, { signal })
          // One that comes after its end was told is nobody's.
          void loading.then((late) => (signal.aborted ? late.close() : undefined)).catch(() => undefined)
          return loading
        },
        { signal: aborter.signal },
      )
      slot.adopt(engine, { loadMs: millis(clock.monotonic() - since), now: clock.monotonic() })
      this.#follow(slot, engine)
      this.#serve(slot)
    } catch (thrown) {
      this.#rest(slot, InfernetError.from(thrown, 'engine.load-failed'))
    } finally {
      this.#loading = undefined
      this.#work()
    }
  }

  /** An engine that keeps itself up tells of its restarts; one that is given up leaves the GPU. */
  #follow(slot: ShelfSlot, engine: StandingEngine): void {
    engine.onChange(() => slot.changes.emit())
    void engine.lost.then((reason) => {
      if (slot.loaded !== engine) return
      slot.loaded = undefined
      this.#rest(slot, InfernetError.from(reason, 'engine.device-lost'))
      this.#work()
    })
  }

  /** Refuses who waits, and offers it again after a while, or never. */
  #rest(slot: ShelfSlot, reason: InfernetError): void {
    if (!this.#slots.has(slot.model)) return
    this.#unqueue(slot)
    if (!slot.fail(reason, MAX_FAILURES)) return
    const restMs = FIRST_REST_MS * 2 ** (slot.failures - 1)
    slot.rest = this.#components.clock.schedule(millis(restMs), () => {
      slot.rested()
      this.#changes.emit()
    })
  }

  #unqueue(slot: ShelfSlot): void {
    const at = this.#queue.indexOf(slot)
    if (at >= 0) this.#queue.splice(at, 1)
  }

  async #unload(slot: ShelfSlot): Promise<void> {
    const { clock } = this.#components
    const engine = slot.loaded
    slot.loaded = undefined
    slot.isLeaving = false
    this.#changes.emit()
    const late = (): Error => new InfernetError('engine.closed')
    if (engine)
      await withDeadline(clock, millis(CLOSE_DEADLINE_MS), late, () => engine.close()).catch(() => undefined)
  }

  #loadMs(slot: ShelfSlot): Millis | undefined {
    if (slot.loaded && !slot.isLeaving) return undefined
    const ahead = this.#queue.includes(slot)
      ? this.#queue.slice(0, this.#queue.indexOf(slot) + 1)
      : [...this.#queue, slot]
    return loadMsOf(slot, {
      now: this.#components.clock.monotonic(),
      minStayMs: this.#minStayMs,
      loading: this.#loading,
      ahead,
      victims: (next) => this.#victimsOf(next),
    })
  }
}
