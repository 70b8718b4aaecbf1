import type { ModelHash } from '../../base/ids.ts'
import { encode } from '../../wire/codec.ts'
import { hashManifest, type Manifest } from '../manifest.ts'
import type { PieceMap } from '../store/piece-map.ts'
import type { PieceStore } from '../store/piece-store.ts'
import { PieceNumbers } from './numbering.ts'

/** What a seeder needs of a store. */
export type SeedStore = Pick<PieceStore, 'held' | 'read'>

type Licensed = Pick<Manifest, 'id'> & { readonly licence?: { readonly mayPassOn: boolean } | undefined }

/** Whether a model may go to others: unless its publisher says no. */
export function maySeed({ licence }: Licensed): boolean {
  return licence?.mayPassOn ?? true
}

/** A model that is seeded: its manifest, which of its pieces are here, and how to read them. */
export class SharedModel {
  readonly hash: ModelHash
  readonly numbers: PieceNumbers
  readonly #manifest: Manifest
  readonly #store: SeedStore
  #map: PieceMap
  /** What came while the store was asked, for each who asks: its answer may be from before. */
  readonly #cameMeanwhile = new Set<number[]>()

  private constructor(manifest: Manifest, numbers: PieceNumbers, store: SeedStore, map: PieceMap) {
    this.hash = hashManifest(manifest)
    this.numbers = numbers
    this.#manifest = manifest
    this.#store = store
    this.#map = map
  }

  /** @throws InfernetError `models.corrupt`; and what the store throws */
  static async open(manifest: Manifest, store: SeedStore): Promise<SharedModel> {
    const numbers = new PieceNumbers(manifest)
    return new SharedModel(manifest, numbers, store, await numbers.heldIn(store))
  }

  /** Which pieces are here, by what was last heard of the store. */
  get map(): PieceMap {
    return this.#map
  }

  /** The bytes whose hash names it. */
  get manifestBytes(): Uint8Array<ArrayBuffer> {
    return encode(this.#manifest)
  }

  /** Asks the store again: others write to it too. */
  async refresh(): Promise<void> {
    const came: number[] = []
    this.#cameMeanwhile.add(came)
    try {
      const map = await this.numbers.heldIn(this.#store)
      for (const flat of came) map.add(flat)
      this.#map = map
    } finally {
      this.#cameMeanwhile.delete(came)
    }
  }

  /** A piece came; false when that was known. */
  add(flat: number): boolean {
    for (const came of this.#cameMeanwhile) came.push(flat)
    if (this.#map.has(flat)) return false
    this.#map.add(flat)
    return true
  }

  /** A part of a piece, or undefined when it is not here. */
  async read(want: {
    readonly piece: number
    readonly offset: number
    readonly length: number
  }): Promise<Uint8Array | undefined> {
    const placed = this.numbers.at(want.piece)
    if (!placed || want.offset + want.length > placed.length) return undefined
    const bytes = await this.#store.read(placed.file, placed.piece)
    if (!bytes) this.#map.remove(want.piece)
    return bytes?.subarray(want.offset, want.offset + want.length)
  }
}
