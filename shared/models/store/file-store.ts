import { InfernetError } from '../../errors/infernet-error.ts'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import { adoptFile, partName } from './adopt-file.ts'
import { FileAccess, type AccessComponents } from './file-access.ts'
import { lengthOfPiece, lookAt, recordName, save, type KeptFile } from './kept-file.ts'
import type { PieceMap } from './piece-map.ts'
import type { PieceStore, PutOutcome } from './piece-store.ts'
import { wrongPieces, type ReadOptions } from './read-back.ts'
import type { DeviceFile, FullReason } from './store-device.ts'
import type { Release } from './store-locks.ts'
import { useFiles, useOf } from './use-files.ts'
import { hashOf, withFile } from './with-file.ts'
import { writePieces, type PieceBytes } from './write-pieces.ts'

/** Pieces that are written before they are flushed and noted together, at most. */
const BATCH_PIECES = 16

/** A file that is here as a whole. */
export interface OpenFile {
  /** Fills `into` from `at` on and tells how many bytes there were. */
  read(at: number, into: Uint8Array<ArrayBuffer>): number
  close(): Promise<void>
}

type Waiting = PromiseWithResolvers<PutOutcome> & PieceBytes & { readonly file: ManifestFile }

/**
 * Keeps pieces in files, each named by the SHA-256 of the whole, with a record of its right pieces beside it
 * (`<sha256>.map`). Nothing is known from before: each look reads the record, so that several stores over one device
 * (tabs of one origin) see what the others write.
 *
 * The order of a write is data, flush, record. A record holds how the file looked when it was written; a crash in
 * between, or anybody else's hand, makes the file look otherwise, and then every byte is checked before it is believed.
 *
 * @throws InfernetError from every method: `models.store-busy` when another tab holds a file for two minutes,
 *   `models.corrupt` for a manifest that tells other pieces of a file that is right as a whole
 */
export class FileStore implements PieceStore {
  readonly #own: AccessComponents
  readonly #access: FileAccess
  readonly #waiting = new Map<string, Waiting[]>()
  #fullReason: FullReason | undefined

  constructor(components: AccessComponents) {
    this.#own = components
    this.#access = new FileAccess(components)
  }

  /** Why `put` said `full` last. */
  get fullReason(): FullReason | undefined {
    return this.#fullReason
  }

  held(file: ManifestFile): Promise<PieceMap> {
    return this.#access.looking(file, async ({ map }) => map)
  }

  async put(file: ManifestFile, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
    const expected = file.pieces[piece]
    if (expected === undefined || bytes.length !== lengthOfPiece(file, piece)) return 'wrong'
    if ((await hashOf(this.#own.digest, bytes)) !== expected) return 'wrong'
    const waiting = { ...Promise.withResolvers<PutOutcome>(), piece, bytes, file }
    const line = this.#waiting.get(file.sha256)
    if (line) line.push(waiting)
    else {
      const fresh = [waiting]
      this.#waiting.set(file.sha256, fresh)
      void this.#writeAll(file.sha256, fresh)
    }
    return waiting.promise
  }

  async read(file: ManifestFile, piece: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#access.reading(file, ({ map }, data) => readPiece(data, file, map, piece))
    if (!bytes || (await this.#isRight(file, piece, bytes))) return bytes
    // The disk gave other bytes than it took, and nothing else shows it.
    await this.#access.changing(file, async (kept) => {
      const again = await withFile(this.#own.device, file.sha256, 'read', (data) =>
        readPiece(data, file, kept.map, piece),
      )
      if (!again || (await this.#isRight(file, piece, again))) return
      kept.map.remove(piece)
      await save(this.#own.device, file, { ...kept, isWhole: false, isReadBack: false })
    })
    return undefined
  }

  /**
   * Whether all of a file is here, and the disk gives what was written. That takes reading it once, after its last piece
   * came; what was found is kept. Pieces that are others now are no longer held.
   *
   * The pieces are what a model's name stands for, by its manifest. The hash of the whole adds nothing to them and takes
   * ten times as long; it is asked for where two manifests tell other pieces of one file.
   */
  async isWhole(file: ManifestFile, options: ReadOptions = {}): Promise<boolean> {
    const seen = await this.#access.looking(file, async (kept) => kept)
    if (isProved(seen) || !seen.map.isComplete) return isProved(seen)
    return this.#access.changing(file, async (kept) => {
      if (isProved(kept) || !kept.map.isComplete) return isProved(kept)
      const wrong = await wrongPieces(this.#own, file, options)
      for (const piece of wrong) kept.map.remove(piece)
      await save(this.#own.device, file, { ...kept, isReadBack: wrong.length === 0 })
      return wrong.length === 0
    })
  }

  /**
   * Opens a file that is here as a whole, for reading; undefined where it is not. Nobody changes it until it is closed.
   *
   * @throws InfernetError as `isWhole`, or the signal's reason
   */
  async open(file: ManifestFile, options: ReadOptions = {}): Promise<OpenFile | undefined> {
    if (!(await this.isWhole(file, options))) return undefined
    const release = await this.#access.lock(file.sha256, this.#access.readMode, { signal: options.signal })
    try {
      const kept = await lookAt(this.#own.device, file)
      const data = kept && isProved(kept) ? await this.#own.device.open(file.sha256, 'read') : undefined
      if (data)
        return {
          read: (at, into) => data.readNow(at, into),
          close: () => data.close().finally(release),
        }
    } catch (thrown) {
      release()
      throw thrown
    }
    release()
    // A file without a byte need not be there.
    return file.size === 0 ? { read: () => 0, close: () => Promise.resolve() } : undefined
  }

  /** As `useFiles`, with the locks of this store. */
  use(
    files: readonly Pick<ManifestFile, 'sha256'>[],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Release> {
    return useFiles(this.#own.locks, files, options)
  }

  /**
   * Deletes a file that nobody uses.
   *
   * @throws InfernetError `models.in-use` when this or another tab uses it: it is all there still
   */
  async remove(file: Pick<ManifestFile, 'sha256'>): Promise<void> {
    const use = await this.#own.locks.tryAcquire(useOf(file), 'exclusive')
    if (!use) throw new InfernetError('models.in-use')
    try {
      const release = await this.#access.lock(file.sha256, 'exclusive')
      try {
        await this.#delete(file)
      } finally {
        release()
      }
    } finally {
      use()
    }
  }

  /**
   * Takes over a file that has grown under another name of the same device (`StoreScratch`), and that whoever grew it has
   * hashed: it is whole from now on.
   *
   * @throws `DeviceFull` where not even a note of it fits
   */
  async adopt(file: ManifestFile, grown: string): Promise<void> {
    const release = await this.#access.lock(file.sha256, 'exclusive')
    try {
      await adoptFile(this.#own.device, file, grown)
    } finally {
      release()
    }
  }

  /** The files that something is kept of, by SHA-256, with the bytes of their place, holes and growing ones included. */
  async list(): Promise<readonly { readonly sha256: string; readonly bytes: number }[]> {
    const { device } = this.#own
    const bytesOf = new Map<string, number>()
    for (const name of await device.list()) {
      const sha256 = /^([0-9a-f]{64})(?:\.part)?$/.exec(name)?.[1]
      if (sha256 === undefined) continue
      bytesOf.set(sha256, (bytesOf.get(sha256) ?? 0) + ((await device.stat(name))?.size ?? 0))
    }
    return [...bytesOf].map(([sha256, bytes]) => ({ sha256, bytes }))
  }

  async #writeAll(sha256: string, line: Waiting[]): Promise<void> {
    for (let [first] = line; first; [first] = line) {
      const { file } = first
      const batch: Waiting[] = []
      try {
        const { outcomes, fullReason } = await this.#access.writing(file, (writing) => {
          batch.push(...takeAlike(line, BATCH_PIECES))
          return writePieces(writing, batch)
        })
        this.#fullReason = fullReason ?? this.#fullReason
        for (const [i, { resolve }] of batch.entries()) resolve(outcomes[i] ?? 'full')
      } catch (thrown) {
        // Nothing came before it: who waits would wait for ever.
        if (batch.length === 0) batch.push(...takeAlike(line, Infinity))
        for (const { reject } of batch) reject(InfernetError.from(thrown))
      }
    }
    this.#waiting.delete(sha256)
  }

  async #isRight(file: ManifestFile, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return (await hashOf(this.#own.digest, bytes)) === file.pieces[piece]
  }

  async #delete(file: Pick<ManifestFile, 'sha256'>): Promise<void> {
    // The record last: one without its file says nothing, a file without its record would be checked and kept.
    await this.#own.device.remove(file.sha256)
    await this.#own.device.remove(recordName(file))
    await this.#own.device.remove(partName(file.sha256))
  }
}

async function readPiece(
  data: DeviceFile,
  file: ManifestFile,
  map: PieceMap,
  piece: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!map.has(piece)) return undefined
  const bytes = new Uint8Array(lengthOfPiece(file, piece))
  await data.read(piece * PIECE_BYTES, bytes)
  return bytes
}

function isProved({ isWhole, isReadBack }: KeptFile): boolean {
  return isWhole || isReadBack
}

/**
 * Those at the front that are of one list of pieces. Another manifest may tell other pieces of the same file: what is
 * right by one list is not noted in the record of the other.
 */
function takeAlike(line: Waiting[], most: number): readonly Waiting[] {
  const [first] = line
  const end = line.findIndex(({ file }) => first && !isSameList(file, first.file))
  return line.splice(0, Math.min(most, end < 0 ? line.length : end))
}

function isSameList(a: ManifestFile, b: ManifestFile): boolean {
  if (a === b || a.pieces === b.pieces) return true
  return a.size === b.size && a.pieces.every((piece, i) => piece === b.pieces[i])
}
