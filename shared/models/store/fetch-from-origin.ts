import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import type { ByteSource } from '../byte-source.ts'
import type { LoadOptions } from '../load-progress.ts'
import { manifestBytes, PIECE_BYTES, type Manifest, type ManifestFile } from '../manifest.ts'
import { mayPass } from '../origin/may-pass.ts'
import { lengthOfPiece } from './kept-file.ts'
import { FULL_CODES, fullError } from './full-error.ts'
import { heldBytes } from './one-fetch.ts'
import type { PieceStore } from './piece-store.ts'

export interface OriginComponents {
  readonly store: PieceStore
  /** The origins of the files, the best first: where one fails, the next goes on. */
  readonly sources: readonly ByteSource[]
}

/** Pieces that are written at a time. */
const WRITES_AT_ONCE = 4

/** Running over so many pieces that are here costs less than asking anew. */
const SKIPPED_PIECES = 4

/**
 * Brings what is missing of a model from its origins into a store, piece by piece.
 *
 * A piece that is wrong, and what may pass, is asked for once more at the same origin, then at the next; what an origin
 * does not have only at the next.
 *
 * @throws InfernetError of the last origin: `models.corrupt`, `models.truncated`, `models.unavailable`; or
 *   `models.quota-exceeded` or `models.disk-full` when the store took no more; or the signal's reason
 */
export async function fetchFromOrigin(
  { store, sources }: OriginComponents,
  manifest: Manifest,
  { signal, onProgress }: LoadOptions = {},
): Promise<void> {
  const totalBytes = manifestBytes(manifest)
  let loadedBytes = await heldBytes(store, manifest)
  const tell = (bytes: number): void => {
    loadedBytes += bytes
    onProgress?.({ phase: 'downloading', loadedBytes, totalBytes })
  }
  for (const file of manifest.files) {
    let failure: InfernetError | undefined
    for (const source of sources) {
      failure = await tryTwice(() => fetchFile({ store, source }, file, tell, signal), file, signal)
      if (!failure) break
    }
    if (failure) throw failure
  }
}

/**
 * What it failed with; undefined when it came to its end. A broken connection and a wrong piece are as often chance, and
 * asking once more costs no wait; what the origin means is not asked again.
 */
async function tryTwice(
  fetch: () => Promise<void>,
  { path }: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<InfernetError | undefined> {
  let failure: InfernetError | undefined
  for (let tries = 0; tries < 2; tries++)
    try {
      await fetch()
      return undefined
    } catch (thrown) {
      signal?.throwIfAborted()
      // No other origin would help against a full disk.
      if (FULL_CODES.some((code) => hasCode(thrown, code))) throw thrown
      failure = InfernetError.from(thrown, 'models.unavailable', { path, status: 'the connection broke' })
      if (!mayPass(failure) && !hasCode(thrown, 'models.corrupt')) return failure
    }
  return failure
}

async function fetchFile(
  { store, source }: { readonly store: PieceStore; readonly source: ByteSource },
  file: ManifestFile,
  tell: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const map = await store.held(file)
  const nextMissing = (from: number): number => {
    let piece = from
    while (piece < map.pieces && map.has(piece)) piece++
    return piece
  }
  const keep = async (piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const outcome = await store.put(file, piece, bytes)
    if (outcome === 'full') throw fullError(store)
    if (outcome === 'wrong') throw new InfernetError('models.corrupt', { path: file.path, piece })
    tell(lengthOfPiece(file, piece))
  }
  for (let first = nextMissing(0); first < map.pieces; first = nextMissing(first)) {
    const opened = await source.open(file.path, { offset: first * PIECE_BYTES, signal })
    const keeping = new Keeping()
    try {
      for await (const [piece, bytes] of piecesOf(file, opened, signal)) {
        if (!map.has(piece)) await keeping.add(keep(piece, bytes))
        map.add(piece)
        if (piece >= first && nextMissing(piece) - piece > SKIPPED_PIECES) break
      }
    } finally {
      await keeping.end()
    }
    if (!map.has(first)) throw new InfernetError('models.truncated', { path: file.path })
  }
}

/** Some writes at a time, so that they are flushed together; the first that fails ends it. */
class Keeping {
  readonly #writes: Promise<void>[] = []

  async add(write: Promise<void>): Promise<void> {
    write.catch(() => undefined)
    this.#writes.push(write)
    if (this.#writes.length > WRITES_AT_ONCE) await this.#writes.shift()
  }

  /** Waits for all, whatever becomes of them, then throws what the first one threw. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#writes)
    await Promise.all(this.#writes)
  }
}

/** The whole pieces of a stream in their order, from the first border in it on. */
async function* piecesOf(
  file: ManifestFile,
  { offset, body }: { readonly offset: number; readonly body: AsyncIterable<Uint8Array> },
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly [number, Uint8Array<ArrayBuffer>], void, void> {
  let piece = Math.ceil(offset / PIECE_BYTES)
  let skip = piece * PIECE_BYTES - offset
  let bytes = new Uint8Array(lengthOfPiece(file, piece))
  let filled = 0
  for await (const chunk of body) {
    signal?.throwIfAborted()
    let rest = chunk.subarray(Math.min(skip, chunk.length))
    skip -= chunk.length - rest.length
    while (rest.length > 0 && piece < file.pieces.length) {
      const part = rest.subarray(0, bytes.length - filled)
      bytes.set(part, filled)
      filled += part.length
      rest = rest.subarray(part.length)
      if (filled < bytes.length) continue
      yield [piece, bytes]
      piece++
      filled = 0
      bytes = new Uint8Array(Math.max(0, lengthOfPiece(file, piece)))
    }
    if (piece === file.pieces.length) return
  }
  const got = piece * PIECE_BYTES + filled
  throw new InfernetError('models.truncated', { path: file.path, got, expected: file.size })
}
