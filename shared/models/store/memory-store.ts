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

interface HeldFile {
  readonly map: PieceMap
  /** Of the file's size. Where nothing was written yet the machine gives no memory for it. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * Keeps pieces in memory, for as long as the page lives: where a browser keeps nothing, and in tests.
 *
 * What it holds and what `read` gives are copies, so a buffer that moves on to another thread leaves it as it was.
 *
 * @example
 * const store = new MemoryStore({ digest: (bytes) => crypto.subtle.digest('SHA-256', bytes) })
 */
export class MemoryStore implements PieceStore {
  readonly #digest: Digest
  readonly #roomBytes: number
  readonly #files = new Map<string, HeldFile>()
  #usedBytes = 0

  constructor({ digest }: MemoryStoreComponents, { roomBytes = Infinity }: MemoryStoreInit = {}) {
    this.#digest = digest
    this.#roomBytes = roomBytes
  }

  held(file: ManifestFile): Promise<PieceMap> {
    const copy = new PieceMap(file.pieces.length)
    const map = this.#files.get(file.sha256)?.map
    for (let piece = 0; map && piece < map.pieces; piece++) if (map.has(piece)) copy.add(piece)
    return Promise.resolve(copy)
  }

  async put(file: ManifestFile, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
    const expected = file.pieces[piece]
    const at = piece * PIECE_BYTES
    if (expected === undefined || bytes.length !== Math.min(PIECE_BYTES, file.size - at)) return 'wrong'
    if (toHex(new Uint8Array(await this.#digest(bytes))) !== expected) return 'wrong'
    if (this.#files.get(file.sha256)?.map.has(piece)) return 'kept'
    if (this.#usedBytes + bytes.length > this.#roomBytes) return 'full'
    const held = this.#files.get(file.sha256) ?? {
      map: new PieceMap(file.pieces.length),
      bytes: new Uint8Array(file.size),
    }
    held.bytes.set(bytes, at)
    held.map.add(piece)
    this.#files.set(file.sha256, held)
    this.#usedBytes += bytes.length
    return 'kept'
  }

  async read(file: ManifestFile, piece: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const held = this.#files.get(file.sha256)
    const at = piece * PIECE_BYTES
    return held?.map.has(piece) ? held.bytes.slice(at, at + PIECE_BYTES) : undefined
  }

  /** The file itself, no copy, once every piece is here; whether the whole is right is for the caller to see. */
  whole(file: ManifestFile): Uint8Array<ArrayBuffer> | undefined {
    if (file.size === 0) return new Uint8Array(0)
    const held = this.#files.get(file.sha256)
    return held?.map.isComplete ? held.bytes : undefined
  }
}
