import { sha256 } from '@noble/hashes/sha2.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { toHex, utf8 } from '../base/bytes.ts'
import type { Digest } from './byte-source.ts'
import { PIECE_BYTES, type ManifestFile } from './manifest.ts'

/** A hash that is fed part by part. */
export interface StreamingHash {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

export interface HasherComponents {
  /** For the pieces. */
  readonly digest: Digest
  /** SHA-256 for the whole file, where the platform has one that streams. @default in JavaScript */
  readonly streamingHash?: (() => StreamingHash) | undefined
}

/** What a file turned out to be. */
export interface HashedFile {
  readonly file: ManifestFile
  /** Git's name of the same bytes, where it was wanted. */
  readonly gitHash: string | undefined
}

type OnPiece = (offset: number, piece: Uint8Array<ArrayBuffer>) => Promise<void>

/** Hashes a file in one pass as its bytes come: each piece, and the whole; a piece is all that it holds. */
export class FileHasher {
  readonly #digest: Digest
  readonly #whole: StreamingHash
  readonly #git: StreamingHash | undefined
  readonly #pieces: string[] = []
  readonly #piece = new Uint8Array(PIECE_BYTES)
  #filled = 0
  #size = 0

  /** @param gitSize the size of a file whose Git hash is wanted, in bytes: Git hashes it before the content */
  constructor({ digest, streamingHash }: HasherComponents, gitSize?: number) {
    this.#digest = digest
    this.#whole = streamingHash?.() ?? sha256.create()
    if (gitSize !== undefined) this.#git = sha1.create().update(utf8(`blob ${gitSize}\0`))
  }

  /** The bytes so far. */
  get size(): number {
    return this.#size
  }

  /** Calls back with each piece that is full, before its memory is used again. */
  async update(bytes: Uint8Array, onPiece?: OnPiece): Promise<void> {
    this.#whole.update(bytes)
    this.#git?.update(bytes)
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + PIECE_BYTES - this.#filled)
      this.#piece.set(part, this.#filled)
      this.#filled += part.length
      this.#size += part.length
      at += part.length
      if (this.#filled === PIECE_BYTES) await this.#endPiece(onPiece)
    }
  }

  async finish(path: string, onPiece?: OnPiece): Promise<HashedFile> {
    if (this.#filled > 0) await this.#endPiece(onPiece)
    const file = { path, size: this.#size, sha256: toHex(this.#whole.digest()), pieces: this.#pieces }
    return { file, gitHash: this.#git && toHex(this.#git.digest()) }
  }

  async #endPiece(onPiece: OnPiece | undefined): Promise<void> {
    const piece = this.#piece.subarray(0, this.#filled)
    this.#pieces.push(toHex(new Uint8Array(await this.#digest(piece))))
    await onPiece?.(this.#size - this.#filled, piece)
    this.#filled = 0
  }
}
