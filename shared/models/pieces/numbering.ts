import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '../../base/bytes.ts'
import type { ModelHash } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { decode } from '../../wire/codec.ts'
import { contradictionIn } from '../check-files.ts'
import { manifestSchema, PIECE_BYTES, type Manifest, type ManifestFile } from '../manifest.ts'
import { PieceMap } from '../store/piece-map.ts'
import type { PieceStore } from '../store/piece-store.ts'
import { MAX_FLAT_PIECES, MAX_MANIFEST_BYTES } from './constants.ts'

/** One piece of a model: the file it is of, its number there, and its length in bytes. */
export interface PlacedPiece {
  readonly file: ManifestFile
  readonly piece: number
  readonly length: number
}

/**
 * Numbers the pieces of a manifest over all its files in their order: file 0's pieces, then file 1's, and so on. Peers
 * speak of pieces by these numbers.
 */
export class PieceNumbers {
  readonly files: readonly ManifestFile[]
  /** How many there are. */
  readonly count: number
  readonly #starts: readonly number[]

  /**
   * @throws InfernetError `models.corrupt` for a manifest that contradicts itself, or has more pieces than peers can
   * number
   */
  constructor({ files, weights }: Pick<Manifest, 'files' | 'weights'>) {
    const path = contradictionIn({ files, weights })
    if (path !== undefined) throw new InfernetError('models.corrupt', { path })
    const starts: number[] = []
    let count = 0
    for (const { pieces } of files) {
      starts.push(count)
      count += pieces.length
    }
    if (count > MAX_FLAT_PIECES) throw new InfernetError('models.corrupt', { path: 'manifest' })
    this.files = files
    this.count = count
    this.#starts = starts
  }

  /** Undefined beyond the last one. */
  at(flat: number): PlacedPiece | undefined {
    let index = this.#starts.findLastIndex((start) => start <= flat)
    // Files without a piece share their start with the next one.
    while (index >= 0 && this.files[index]?.pieces.length === 0) index--
    const file = this.files[index]
    const piece = flat - (this.#starts[index] ?? 0)
    if (!file || piece < 0 || piece >= file.pieces.length) return undefined
    return { file, piece, length: Math.min(PIECE_BYTES, file.size - piece * PIECE_BYTES) }
  }

  /** The number of the first piece of a file, by its place in `files`. */
  startOf(index: number): number {
    return this.#starts[index] ?? 0
  }

  /** Which pieces a store holds. */
  async heldIn(store: Pick<PieceStore, 'held'>): Promise<PieceMap> {
    const map = new PieceMap(this.count)
    for (const [index, file] of this.files.entries()) {
      const held = await store.held(file)
      for (let piece = 0; piece < file.pieces.length; piece++)
        if (held.has(piece)) map.add(this.startOf(index) + piece)
    }
    return map
  }
}

/**
 * Reads a manifest that came under its name: its bytes are believed because they hash to it.
 *
 * @throws InfernetError `models.corrupt` when they do not, or when the manifest contradicts itself; `wire.malformed` when
 * it is none
 */
export function readNamedManifest(bytes: Uint8Array, name: ModelHash): Manifest {
  if (!isNamed(bytes, name)) throw new InfernetError('models.corrupt', { path: 'manifest' })
  const manifest = decode(manifestSchema, bytes)
  new PieceNumbers(manifest)
  return manifest
}

/** Whether these are the bytes that hash to a name: then nobody has others under it. */
export function isNamed(bytes: Uint8Array, name: ModelHash): boolean {
  return bytes.length <= MAX_MANIFEST_BYTES && toHex(sha256(bytes)) === name
}
