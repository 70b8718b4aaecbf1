import type { ModelHash } from '#shared/base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { raceSignal, sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { ExchangeLedger } from '#shared/models/pieces/exchange-ledger.ts'
import { fetchManifest, type FetchManifestOptions } from '#shared/models/pieces/fetch-manifest.ts'
import { fetchModel } from '#shared/models/pieces/fetch-model.ts'
import type { FetchProgress } from '#shared/models/pieces/fetch-progress.ts'
import { RateCap } from '#shared/models/pieces/rate-cap.ts'
import { maySeed, type SeedStore } from '#shared/models/pieces/shared-model.ts'
import type { Swarm } from '#shared/models/pieces/swarm.ts'
import type { Seeding } from '#shared/peer/seeding.ts'
import { untilRelay, type ShareMesh, type SwarmFetch, type TabSwarmComponents } from './swarm-terms.ts'
import { watchedStore } from './watched-store.ts'

/** With nothing to do the mesh stays for this long: a tokenizer, a manifest and the weights come one after another. */
const LINGER_MS = 30 * SECOND_MS

/** Between two tries to open the mesh. */
const RETRY_MS = 2 * SECOND_MS
const LONGEST_RETRY_MS = MINUTE_MS

/** A model that somebody wants to be passed on. */
interface Wish {
  readonly manifest: Manifest
  readonly store: SeedStore
  holds: number
  /** Pieces that came since, by their flat numbers. */
  readonly came: number[]
}

interface Place {
  readonly mesh: ShareMesh
  readonly seeding: Seeding
}

/** One stay in the network. */
interface Stay {
  readonly life: AbortController
  readonly ready: PromiseWithResolvers<Place>
  readonly shared: Map<ModelHash, Wish>
  here: Place | undefined
  isReachable: boolean
}

/**
 * This page's part in the swarm: what it fetches from peers and passes on, in a mesh of its own that is open only while
 * there is something to do. A download never waits for it: origins begin at once, and peers join in when they can.
 *
 * Nothing of it happens where the rules forbid it, from the moment that they do: see {@link TabSwarm.check}.
 */
export class TabSwarm {
  readonly ledger: ExchangeLedger
  readonly uploadCap: RateCap
  readonly #downloadCap: RateCap
  readonly #components: TabSwarmComponents
  readonly #wishes = new Map<ModelHash, Wish>()
  #stay: Stay | undefined
  #tasks = 0
  #linger: { stop(): void } | undefined

  constructor(components: TabSwarmComponents) {
    const { clock } = components
    this.#components = components
    this.ledger = new ExchangeLedger(clock)
    this.uploadCap = new RateCap(clock)
    this.#downloadCap = new RateCap(clock)
  }

  /** What goes from here to whoever asks, now or when a relay can be reached. */
  get passedOn(): readonly ModelHash[] {
    return [...this.#allowed.keys()]
  }

  /** Whether peers are asked at all. */
  get mayAsk(): boolean {
    return this.#components.rules.mayAsk()
  }

  /**
   * Brings what is missing of a model. What comes is passed on from the first piece, and what is whole in the end, until
   * {@link forget}.
   *
   * @throws as `fetchModel`
   */
  async fetch(
    manifest: Manifest,
    { store, origins, originsOnly = false, paths, signal, onProgress }: SwarmFetch,
  ): Promise<FetchProgress> {
    const { clock, random, rules } = this.#components
    const mayAsk = !originsOnly && rules.mayAsk()
    const model = hashManifest(manifest)
    const letGo = mayAsk && !paths ? this.passOn(manifest, store) : undefined
    const end = mayAsk ? this.#begin() : undefined
    const { ledger } = this
    const swarm = mayAsk ? this.#swarm : undefined
    try {
      return await fetchModel(
        { store, origins, swarm, clock, random, ledger, cap: this.#downloadCap },
        manifest,
        { paths, signal, onProgress, onHeld: (piece) => this.#noteHeld(model, piece) },
      )
    } catch (thrown) {
      letGo?.()
      throw thrown
    } finally {
      end?.()
    }
  }

  /** A manifest by its name, from peers. @throws as `fetchManifest` */
  async fetchManifest(model: ModelHash, options: FetchManifestOptions = {}): Promise<Manifest> {
    const { clock, rules } = this.#components
    if (!rules.mayAsk()) throw new InfernetError('models.nobody-left')
    const end = this.#begin()
    try {
      return await fetchManifest({ swarm: this.#swarm, clock }, model, options)
    } finally {
      end()
    }
  }

  /** Passes on what is here of a model, as far as the rules allow, until all who asked for it have called what comes back. */
  passOn(manifest: Manifest, store: SeedStore): () => void {
    const model = hashManifest(manifest)
    const onLost = (): void => {
      this.forget(model)
      this.#components.onLost?.(model)
    }
    const wish = this.#wishes.get(model) ?? {
      ...{ manifest, holds: 0, came: [] },
      store: watchedStore(store, onLost),
    }
    this.#wishes.set(model, wish)
    wish.holds++
    this.check()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      wish.holds--
      if (wish.holds === 0 && this.#wishes.get(model) === wish) this.forget(model)
    }
  }

  /** It was deleted, or is not right any more: nothing of it goes out from now on. */
  forget(model: ModelHash): void {
    this.#wishes.delete(model)
    this.check()
  }

  /** Does what the rules say now: to be called when they may have changed. */
  check(): void {
    const isWanted = this.#tasks > 0 || this.#allowed.size > 0
    this.#linger?.stop()
    this.#linger = undefined
    if (!this.#components.rules.mayAsk()) this.#leave()
    else if (isWanted) this.#enter()
    else if (this.#stay)
      this.#linger = this.#components.clock.schedule(millis(LINGER_MS), () => this.#leave())
    this.#align()
  }

  get #allowed(): ReadonlyMap<ModelHash, Wish> {
    const { rules } = this.#components
    if (!rules.mayAsk()) return new Map()
    return new Map(
      [...this.#wishes].filter(([, { manifest }]) => maySeed(manifest) && rules.mayPassOn(manifest)),
    )
  }

  /** Waits for the mesh, so that whoever fetches need not. */
  readonly #swarm: Swarm = {
    find: async (model, { signal }) => {
      if (!this.#stay) throw new InfernetError('schedule.no-relay') // the visitor forbade it meanwhile
      const { seeding, mesh } = await raceSignal(this.#stay.ready.promise, signal)
      await untilRelay(mesh, signal)
      return seeding.swarm.find(model, { signal })
    },
  }

  #begin(): () => void {
    this.#tasks++
    this.check()
    return () => {
      this.#tasks--
      this.check()
    }
  }

  #noteHeld(model: ModelHash, piece: number): void {
    const wish = this.#wishes.get(model)
    wish?.came.push(piece)
    if (wish && this.#stay?.shared.get(model) === wish)
      this.#stay.here?.seeding.service.noteHeld(model, piece)
  }

  #enter(): void {
    if (this.#stay) return
    const stay: Stay = {
      life: new AbortController(),
      ready: Promise.withResolvers<Place>(),
      shared: new Map(),
      here: undefined,
      isReachable: false,
    }
    stay.ready.promise.catch(() => undefined)
    this.#stay = stay
    void this.#open(stay)
  }

  #leave(): void {
    const stay = this.#stay
    this.#stay = undefined
    if (!stay) return
    stay.life.abort(new InfernetError('wire.closed'))
    stay.ready.reject(new InfernetError('wire.closed'))
    void stay.here?.mesh.stop().catch(() => undefined)
  }

  /** Tries until it is open or nobody wants it any more. Never throws. */
  async #open(stay: Stay): Promise<void> {
    const { open, clock } = this.#components
    const { signal } = stay.life
    for (let pauseMs = RETRY_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS)) {
      try {
        const mesh = await open({ signal })
        const seeding = signal.aborted
          ? undefined
          : await mesh.seeding({ ledger: this.ledger, uploadCap: this.uploadCap })
        if (signal.aborted || !seeding) return await mesh.stop()
        stay.here = { mesh, seeding }
        stay.ready.resolve(stay.here)
        return this.#align()
      } catch {
        await sleep(clock, millis(pauseMs), { signal }).catch(() => undefined)
      }
    }
  }

  /** Makes what is shared what is allowed. */
  #align(): void {
    const stay = this.#stay
    if (!stay?.here) return
    const { mesh, seeding } = stay.here
    const allowed = this.#allowed
    for (const [model, wish] of stay.shared) {
      if (allowed.get(model) === wish) continue
      stay.shared.delete(model)
      seeding.unshare(model)
    }
    for (const [model, wish] of allowed) {
      if (stay.shared.has(model)) continue
      stay.shared.set(model, wish)
      void this.#share(stay, seeding, model, wish)
    }
    if (stay.isReachable || stay.shared.size === 0) return
    stay.isReachable = true
    // Refused or late it still goes on trying, at every relay that comes.
    void mesh.startProviding({ signal: stay.life.signal }).catch(() => undefined)
  }

  /** Never throws: a store that fails passes nothing on. */
  async #share(stay: Stay, seeding: Seeding, model: ModelHash, wish: Wish): Promise<void> {
    try {
      await seeding.share(wish.manifest, wish.store)
      const wanted = stay.shared.get(model)
      if (!wanted) return seeding.unshare(model) // let go meanwhile
      if (wanted !== wish) return await this.#share(stay, seeding, model, wanted) // and wanted anew
      for (const piece of wish.came) seeding.service.noteHeld(model, piece)
    } catch {
      if (stay.shared.get(model) === wish) stay.shared.delete(model)
    }
  }
}
