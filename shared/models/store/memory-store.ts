import { toHex } from '../../base/bytes.ts'
import type { Digest } from '../byte-source.ts'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import { PieceMap } from './piece-map.ts'
import type { PieceStore, PutOutcome } from './piece-store.ts'

export interface MemoryStoreComponents {
  readonly digest: Digest
}

export interface MemoryStoreInit {
  /** What all pieces together may take, in bytes. @default no limit */
  readonly roomBytes?: number | undefined
}

/**
 * Keeps pieces in memory, for as long as the page lives: where a browser keeps nothing, and in tests.
 *
 * What it is given and what it gives are copies, so a buffer that moves on to another thread leaves it as it was.
 *
 * @example
 * const store = new MemoryStore({ digest: (bytes) => crypto.subtle.digest('SHA-256', bytes) })
 */
export class MemoryStore implements PieceStore {
  readonly #digest: Digest
  readonly #roomBytes: number
  readonly #files = new Map<string, { map: PieceMap; pieces: Map<number, Uint8Array<ArrayBuffer>> }>()
  #usedBytes = 0

  constructor({ digest }: MemoryStoreComponents, { roomBytes = Infinity }: MemoryStoreInit = {}) {
    this.#digest = digest
    this.#roomBytes = roomBytes
  }

  held(file: ManifestFile): Promise<PieceMap> {
    const map = this.#files.get(file.sha256)?.map ?? new PieceMap(file.pieces.length)
    return Promise.resolve(
      PieceMap.from(map.toBytes(), file.pieces.length) ?? new PieceMap(file.pieces.length),
    )
  }

  async put(file: ManifestFile, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
    const expected = file.pieces[piece]
    const length = Math.min(PIECE_BYTES, file.size - piece * PIECE_BYTES)
    if (expected === undefined || bytes.length !== length) return 'wrong'
    // Taken before the wait: what arrives must be what is checked.
    const own = bytes.slice()
    if (toHex(new Uint8Array(await this.#digest(own))) !== expected) return 'wrong'
    const held = this.#files.get(file.sha256) ?? { map: new PieceMap(file.pieces.length), pieces: new Map() }
    if (held.map.has(piece)) return 'kept'
    if (this.#usedBytes + length > this.#roomBytes) return 'full'
    held.pieces.set(piece, own)
    held.map.add(piece)
    this.#files.set(file.sha256, held)
    this.#usedBytes += length
    return 'kept'
  }

  read(file: ManifestFile, piece: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(this.#files.get(file.sha256)?.pieces.get(piece)?.slice())
  }
}
