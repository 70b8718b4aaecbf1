import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { Persisted } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'
import type { KnownModel, ModelEvent, ModelsHome, ModelsView, NamedModel, Room } from './services.ts'

/** The next model is hardly smaller. */
const LOW_BYTES = 500_000_000
/** Nobody tells when the last engine or tab has let a model's files go; so whoever waits for that looks. */
const LOOK_AGAIN_MS = SECOND_MS

export const SORTS = ['used', 'earned', 'size', 'name'] as const
export type Sort = (typeof SORTS)[number]

export interface ShelfComponents {
  readonly clock: Clock
  readonly settings: SettingsStore
  readonly home: ModelsHome
  /** What a model earned here; undefined where that is not known. */
  readonly earnedBy: (model: KnownModel) => bigint | undefined
  /** What this tab itself runs now. */
  readonly running: () => readonly ModelHash[]
}

/** What is here of models: looked at again with every change, sorted as the visitor likes, pinned, shared, deleted. */
export class Shelf {
  readonly #components: ShelfComponents
  readonly #sort: Persisted<Sort>
  /** Of the newest event that the visitor has put away. */
  readonly #seen: Persisted<number>
  #view = $state.raw<ModelsView | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #asked = $state.raw<ModelHash | undefined>()
  #lookAgain: { stop(): void } | undefined
  #reading: Promise<void> | undefined
  #isStale = false
  #stop: (() => void) | undefined

  constructor(components: ShelfComponents) {
    this.#components = components
    const { settings } = components
    this.#sort = new Persisted<Sort>(settings, 'models.sort', {
      read: (kept) => SORTS.find((sort) => sort === kept) ?? 'used',
      write: String,
    })
    this.#seen = new Persisted<number>(settings, 'models.events-seen', {
      read: (kept) => Number(kept) || 0,
      write: String,
    })
  }

  /** False before the first look. */
  get isRead(): boolean {
    return this.#view !== undefined
  }
  /** Why the last look or act failed. What was seen before stays. */
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** Models that are here, wholly or in part. */
  get here(): readonly KnownModel[] {
    return this.#models.filter(({ keptBytes }) => keptBytes > 0).toSorted(this.#order)
  }
  /** Models of which nothing is here. */
  get others(): readonly KnownModel[] {
    return this.#models.filter(({ keptBytes }) => keptBytes === 0)
  }
  /** Models that can be added by their hub's name. */
  get named(): readonly NamedModel[] {
    return this.#view?.named ?? []
  }
  get room(): Room | undefined {
    return this.#view?.room
  }
  /** True where little more can be kept. */
  get isLow(): boolean {
    const free = this.room?.freeBytes
    return free !== undefined && free < LOW_BYTES
  }
  /** What happened since the visitor last put such news away, newest first. */
  get news(): readonly ModelEvent[] {
    return (this.#view?.events ?? []).filter(({ at }) => at > this.#seen.value).toReversed()
  }
  get sort(): Sort {
    return this.#sort.value
  }
  set sort(sort: Sort) {
    this.#sort.value = sort
  }
  /** The model of which it is asked whether to delete it, as it stands now. */
  get asked(): KnownModel | undefined {
    return this.#asked && this.find(this.#asked)
  }

  find(model: ModelHash): KnownModel | undefined {
    return this.#models.find((known) => known.model === model)
  }
  earned(model: KnownModel): bigint | undefined {
    return this.#components.earnedBy(model)
  }

  start(): void {
    this.#stop ??= this.#components.home.onChange(() => void this.refresh())
    void this.refresh()
  }
  stop(): void {
    this.letBe()
    this.#stop?.()
    this.#stop = undefined
  }

  /** Looks again; a change during a look is not missed. */
  refresh(): Promise<void> {
    this.#isStale = true
    this.#reading ??= this.#read()
    return this.#reading
  }

  /** While it is in use it is looked at again, so that it can be deleted as soon as it has been let go. */
  askToDelete({ model }: KnownModel): void {
    this.#asked = model
    void this.#lookWhileInUse()
  }
  letBe(): void {
    this.#lookAgain?.stop()
    this.#asked = undefined
  }
  async deleteAsked(): Promise<void> {
    const asked = this.#asked
    this.letBe()
    if (asked) await this.#act((home) => home.remove?.(asked))
  }

  pin(model: ModelHash, on: boolean): Promise<void> {
    return this.#act((home) => home.pin?.(model, on))
  }
  share(model: ModelHash, on: boolean): Promise<void> {
    return this.#act((home) => home.share?.(model, on))
  }
  /** To be called from a press of a button: some browsers ask the person. */
  makeLasting(): Promise<void> {
    return this.#act(async (home) => void (await home.makeLasting?.()))
  }
  putNewsAway(): void {
    const newest = this.news[0]
    if (newest) this.#seen.value = newest.at
  }

  get #models(): readonly KnownModel[] {
    const running = this.#components.running()
    return (this.#view?.models ?? []).map((known) =>
      running.includes(known.model) ? { ...known, isInUse: true } : known,
    )
  }

  readonly #order = (a: KnownModel, b: KnownModel): number => {
    const byName = a.name.localeCompare(b.name)
    switch (this.sort) {
      case 'name':
        return byName
      case 'size':
        return b.keptBytes - a.keptBytes || byName
      case 'earned':
        return compare(this.earned(b) ?? 0n, this.earned(a) ?? 0n) || byName
      case 'used':
        return Number(b.isInUse) - Number(a.isInUse) || (b.lastUsedAt ?? 0) - (a.lastUsedAt ?? 0) || byName
    }
  }

  async #lookWhileInUse(): Promise<void> {
    this.#lookAgain?.stop()
    const { asked } = this
    if (!asked?.isInUse) return
    await this.refresh()
    if (this.#asked !== asked.model) return
    const { clock } = this.#components
    this.#lookAgain = clock.schedule(millis(LOOK_AGAIN_MS), () => void this.#lookWhileInUse())
  }

  async #act(act: (home: ModelsHome) => Promise<void> | undefined): Promise<void> {
    try {
      await act(this.#components.home)
      await this.refresh()
    } catch (thrown) {
      // What was done before it failed shows, and the failure stays on view beside it.
      await this.refresh()
      this.#error = InfernetError.from(thrown)
    }
  }

  async #read(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false
      try {
        this.#view = await this.#components.home.read()
        this.#error = undefined
      } catch (thrown) {
        this.#error = InfernetError.from(thrown)
      }
    }
    this.#reading = undefined // at once: who calls from now on begins a new look
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
