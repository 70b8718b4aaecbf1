import type { Clock } from '#shared/base/clock.ts'
import { manifestBytes, type Manifest } from '#shared/models/manifest.ts'
import type { KeptModels, KeptRecord } from '../../weights/kept-models.ts'
import type { Evicted } from '../../weights/make-room.ts'
import type { ModelEvent } from '../models/services.ts'

/** More is no news. */
const MAX_EVENTS = 20

export interface ShelfEventsComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly kept: KeptModels
}

/** What happened to the models here without the visitor's doing, in this visit. */
export class ShelfEvents {
  readonly #components: ShelfEventsComponents
  #list: readonly ModelEvent[] = []

  constructor(components: ShelfEventsComponents) {
    this.#components = components
  }

  /** Newest last. */
  get list(): readonly ModelEvent[] {
    return this.#list
  }

  evicted(gone: readonly Evicted[]): void {
    for (const { name, bytes, because } of gone) this.#add({ kind: 'evicted', name, bytes, because })
  }

  /** Compares what is held of a model with what was written down of it, and tells once what is missing. */
  async compare(
    manifest: Manifest,
    record: KeptRecord | undefined,
    { weightsHeld, heldBytes }: { readonly weightsHeld: number; readonly heldBytes: number },
  ): Promise<boolean> {
    const missing = manifestBytes(manifest) - heldBytes
    if (!record?.isWhole || missing <= 0) return false
    const { name } = manifest
    if (weightsHeld === 0) this.#add({ kind: 'vanished', name, bytes: missing })
    else this.#add({ kind: 'damaged', name, bytes: missing })
    await this.#components.kept.put({ ...record, isWhole: false })
    return true
  }

  #add(event: Omit<ModelEvent, 'at'>): void {
    this.#list = [...this.#list, { ...event, at: this.#components.clock.now() }].slice(-MAX_EVENTS)
  }
}
