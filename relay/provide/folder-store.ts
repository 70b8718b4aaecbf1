import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PIECE_BYTES, type Manifest, type ManifestFile } from '#shared/models/manifest.ts'
import type { SeedStore } from '#shared/models/pieces/shared-model.ts'
import { PieceMap } from '#shared/models/store/piece-map.ts'

/** A file whose pieces were looked at. */
interface Looked {
  readonly path: string
  readonly map: PieceMap
  /** As it was then: one that differs is looked at again, piece by piece. */
  readonly stamp: string
}

/**
 * The pieces of a folder of model files that somebody else writes: read only, and told only after their hashes were
 * found right. Paths come from a checked manifest, whose schema lets none reach outside.
 */
export class FolderStore implements SeedStore {
  readonly #folder: string
  readonly #looked = new Map<string, Looked>()

  /** @param folder e.g. `web/public/models/infernet-tiny` */
  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Looks at every file of a manifest, one piece after another. A file that is not there, or is of another size, holds
   * none.
   *
   * @throws the signal's reason
   */
  async look(manifest: Manifest, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    for (const file of manifest.files) {
      const path = join(this.#folder, file.path)
      const stamp = await stampOf(path)
      const map = new PieceMap(file.pieces.length)
      for (let piece = 0; piece < file.pieces.length && stamp !== undefined; piece++) {
        signal.throwIfAborted()
        if (isRight(file, piece, await readPiece(path, file, piece))) map.add(piece)
      }
      if (stamp !== undefined) this.#looked.set(file.sha256, { path, map, stamp })
    }
  }

  async held(file: ManifestFile): Promise<PieceMap> {
    const bytes = this.#looked.get(file.sha256)?.map.toBytes() ?? new Uint8Array()
    return PieceMap.from(bytes, file.pieces.length) ?? new PieceMap(file.pieces.length)
  }

  async read(file: ManifestFile, piece: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const looked = this.#looked.get(file.sha256)
    if (!looked?.map.has(piece)) return undefined
    const bytes = await readPiece(looked.path, file, piece)
    const isAsBefore = (await stampOf(looked.path)) === looked.stamp
    if (bytes && (isAsBefore || isRight(file, piece, bytes))) return bytes
    looked.map.remove(piece)
    return undefined
  }
}

function isRight(file: ManifestFile, piece: number, bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === file.pieces[piece]
}

/** Undefined where the file ends before it, or cannot be read. */
async function readPiece(
  path: string,
  { size }: ManifestFile,
  piece: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const length = Math.min(PIECE_BYTES, size - piece * PIECE_BYTES)
  try {
    await using file = await open(path)
    const bytes = new Uint8Array(length)
    const { bytesRead } = await file.read(bytes, 0, length, piece * PIECE_BYTES)
    return bytesRead === length ? bytes : undefined
  } catch {
    return undefined
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && `${found.size} ${found.mtimeMs} ${found.ino}`
}
