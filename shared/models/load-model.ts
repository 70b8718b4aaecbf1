import { toHex } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from './byte-source.ts'
import { PIECE_BYTES, manifestBytes, type Manifest, type ManifestFile } from './manifest.ts'
import type { CachedFile, ModelCache } from './model-cache.ts'
import type { ModelFiles } from './model-files.ts'
import { readPieces } from './read-pieces.ts'

export interface LoadComponents {
  readonly source: ByteSource
  /** Undefined keeps nothing. */
  readonly cache: ModelCache | undefined
  readonly digest: Digest
}

/** How far a model is on its way to `ready`. `checking` re-reads what is kept here, `starting` compiles the graph. */
export interface LoadProgress {
  readonly phase: 'checking' | 'downloading' | 'starting' | 'testing'
  readonly loadedBytes: number
  readonly totalBytes: number
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
}

/** A model in memory, every byte of it checked. */
export interface LoadedModel extends ModelFiles {
  /** False when the files could not be kept, so that the next visit downloads them again. */
  readonly kept: boolean
}

/**
 * Brings every file of a manifest into memory, from the cache as far as it is right and from the source for the rest.
 *
 * Each 1 MiB piece is hashed as it comes and the whole at the end. A wrong piece is fetched once more, alone. What is
 * checked is kept at once, so a load that is cut off goes on where it stopped.
 *
 * @throws InfernetError `models.corrupt`, `models.truncated`, `models.unavailable`, or the signal's reason
 */
export async function loadModel(
  components: LoadComponents,
  manifest: Manifest,
  { signal, onProgress }: LoadOptions = {},
): Promise<LoadedModel> {
  const totalBytes = manifestBytes(manifest)
  const contents = new Map<string, Uint8Array<ArrayBuffer>>()
  let loadedBytes = 0
  let kept = true
  for (const file of manifest.files) {
    const before = loadedBytes
    const tell = (phase: LoadProgress['phase'], bytes: number): void => {
      loadedBytes = before + bytes
      onProgress?.({ phase, loadedBytes, totalBytes })
    }
    const loaded = await loadFile(components, file, tell, signal)
    contents.set(file.path, loaded.bytes)
    kept &&= loaded.kept
    loadedBytes = before + file.size
  }
  return {
    kept,
    paths: [...contents.keys()],
    async read(path) {
      const bytes = contents.get(path)
      if (!bytes) throw new InfernetError('models.unavailable', { path, status: 'not in the manifest' })
      return bytes
    },
  }
}

type Tell = (phase: LoadProgress['phase'], bytes: number) => void

async function loadFile(
  { source, cache, digest }: LoadComponents,
  file: ManifestFile,
  tell: Tell,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; kept: boolean }> {
  const { path, size } = file
  if (file.pieces.length !== Math.ceil(size / PIECE_BYTES))
    throw new InfernetError('models.corrupt', { path })
  const bytes = new Uint8Array(size)
  const cached = await openQuietly(cache, file)
  let kept = cached !== undefined
  try {
    const start = cached ? await takeFromCache(cached, file, bytes, digest, tell, signal) : 0
    if (start < size)
      await readPieces({ source, digest }, file, bytes, start, {
        signal,
        onPiece: async (offset, piece) => {
          if (kept) kept = await writeQuietly(cached, offset, piece)
        },
        onBytes: (count) => tell('downloading', count),
      })
    if (toHex(new Uint8Array(await digest(bytes))) !== file.sha256) {
      // Every piece was right and the whole is not: the manifest contradicts itself.
      await cached?.truncate(0).catch(() => undefined)
      throw new InfernetError('models.corrupt', { path })
    }
  } finally {
    await cached?.close().catch(() => undefined)
  }
  return { bytes, kept }
}

/** Copies the right beginning of a kept file into `into`, cuts the rest off, and tells where it ends. */
async function takeFromCache(
  cached: CachedFile,
  file: ManifestFile,
  into: Uint8Array<ArrayBuffer>,
  digest: Digest,
  tell: Tell,
  signal: AbortSignal | undefined,
): Promise<number> {
  let offset = 0
  try {
    for (const expected of file.pieces) {
      const length = Math.min(PIECE_BYTES, file.size - offset)
      if (cached.size < offset + length) break
      const piece = await cached.read(offset, length)
      signal?.throwIfAborted()
      if (piece.length !== length || toHex(new Uint8Array(await digest(piece))) !== expected) break
      into.set(piece, offset)
      offset += length
      tell('checking', offset)
    }
    if (cached.size !== offset) await cached.truncate(offset)
  } catch (error) {
    if (signal?.aborted) throw error
  }
  return offset
}

async function openQuietly(
  cache: ModelCache | undefined,
  file: ManifestFile,
): Promise<CachedFile | undefined> {
  return cache?.open(file).catch(() => undefined)
}

/** False when it could not be written: the model is used all the same, it is only not kept. */
async function writeQuietly(
  cached: CachedFile | undefined,
  offset: number,
  piece: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    await cached?.write(offset, piece)
    return cached !== undefined
  } catch {
    return false
  }
}
