import { InfernetError, hasCode } from '../../errors/infernet-error.ts'
import type { ByteSource } from '../byte-source.ts'
import { FileHasher, type HashedFile, type HasherComponents } from '../file-hasher.ts'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import type { ListedFile } from './origin.ts'
import type { GrowingFile, Scratch } from './scratch.ts'

export interface FetchComponents extends HasherComponents {
  readonly source: ByteSource
  /** Undefined keeps nothing. */
  readonly scratch: Scratch | undefined
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined
  /** Begins a reader of the bytes, which gets all of them in order; called again where the file is read anew. */
  readonly reader?: (() => (chunk: Uint8Array) => void) | undefined
  /** Bytes of the file that are here, and how many of them came over the network. */
  readonly onBytes?: ((here: number, fetched: number) => void) | undefined
}

/**
 * Brings one listed file here, each byte once: it is hashed, read and kept as it comes, and goes on where an earlier
 * attempt ended. The hash that the origin lists must agree; where bytes of an earlier attempt are to blame that it does
 * not, the file is fetched anew.
 *
 * @throws InfernetError `origin.not-as-listed`, `origin.changed`, `models.truncated`, as the source's `open`, or the
 * signal's reason
 */
export async function fetchFile(
  components: FetchComponents,
  file: ListedFile,
  options: FetchOptions = {},
): Promise<ManifestFile> {
  const kept = await components.scratch?.open(file)
  let isOver = false
  try {
    const before = kept?.size ?? 0
    let hashed = await pass(components, file, kept, options).catch((error: unknown) => {
      if (before > 0 && error instanceof ReaderFailure) return undefined
      throw error
    })
    if (before > 0 && !(hashed && agrees(file, hashed))) {
      await kept?.truncate(0)
      hashed = await pass(components, file, kept, options)
    }
    if (!hashed || !agrees(file, hashed)) {
      await kept?.truncate(0)
      throw new InfernetError('origin.not-as-listed', { path: file.path })
    }
    await kept?.adopt(hashed.file)
    isOver = true
    return hashed.file
  } catch (error) {
    // Halves of two files: neither is a beginning of the one that is there now.
    if (hasCode(error, 'origin.changed')) await kept?.truncate(0)
    throw error instanceof ReaderFailure ? error.cause : error
  } finally {
    if (!isOver) await kept?.close().catch(() => undefined)
  }
}

/** Whoever reads the bytes cannot read these: an earlier attempt's are checked by nobody else before the end. */
class ReaderFailure extends Error {}

function agrees(listed: ListedFile, { file, gitHash }: HashedFile): boolean {
  if (file.size !== listed.size) return false
  if (listed.sha256 !== undefined) return file.sha256 === listed.sha256
  return listed.gitHash === undefined || gitHash === listed.gitHash
}

/** Reads the file once from its beginning: what is kept from the disk, the rest from the source. */
async function pass(
  components: FetchComponents,
  file: ListedFile,
  kept: GrowingFile | undefined,
  { signal, reader, onBytes }: FetchOptions,
): Promise<HashedFile> {
  const hasher = new FileHasher(components, file.sha256 === undefined ? file.size : undefined)
  const readOwn = reader?.()
  const read = (chunk: Uint8Array): void => {
    try {
      readOwn?.(chunk)
    } catch (cause) {
      throw new ReaderFailure('unreadable', { cause })
    }
  }
  if (kept && kept.size > file.size) await kept.truncate(0)
  const held = kept?.size ?? 0
  for (let at = 0; kept && at < held; at = hasher.size) {
    signal?.throwIfAborted()
    const part = await kept.read(at, Math.min(PIECE_BYTES, held - at))
    if (part.length === 0)
      throw new InfernetError('models.truncated', { path: file.path, got: at, expected: held })
    read(part)
    await hasher.update(part)
    onBytes?.(hasher.size, 0)
  }
  const keep = async (offset: number, piece: Uint8Array<ArrayBuffer>): Promise<void> => {
    if (!kept) return
    const skip = Math.max(0, kept.size - offset)
    if (skip < piece.length) await kept.write(offset + skip, piece.subarray(skip))
  }
  await fromSource(components.source, file, hasher.size, signal, async (chunk) => {
    read(chunk)
    await hasher.update(chunk, keep)
    onBytes?.(hasher.size, hasher.size - held)
  })
  return hasher.finish(file.path, keep)
}

/**
 * The bytes from `start` on. A stream that ends early or falls silent is opened once more where it ended; a second end
 * at the same place is reported.
 */
async function fromSource(
  source: ByteSource,
  { path, size }: ListedFile,
  start: number,
  signal: AbortSignal | undefined,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  let at = start
  let lastBreak = -1
  for (let breaks = 0; at < size; breaks++) {
    const from = at
    let failure: unknown
    try {
      // The loop goes on after the last byte, so that a stream that ends there ends by itself.
      for await (const part of partsFrom(source, path, from, size, signal)) {
        await take(part).catch(ours)
        at += part.length
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof OwnFailure) throw error.cause
      if (error instanceof InfernetError && error.code !== 'origin.silent') throw error
      failure = error
    }
    if (at === size) return
    if ((at === from && lastBreak === at) || breaks === MAX_BREAKS) {
      if (failure instanceof InfernetError) throw failure
      throw new InfernetError('models.truncated', { path, got: at, expected: size }, { cause: failure })
    }
    lastBreak = at
  }
}

/** A source that breaks off more often than this in one file is not worth another request. */
const MAX_BREAKS = 64

/** What went wrong here and not at the source, as a disk that is full. */
class OwnFailure extends Error {}

function ours(cause: unknown): never {
  throw new OwnFailure('here', { cause })
}

async function* partsFrom(
  source: ByteSource,
  path: string,
  from: number,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const { offset, body } = await source.open(path, { offset: from, signal })
  let at = offset
  for await (const chunk of body) {
    signal?.throwIfAborted()
    const part = chunk.subarray(Math.min(chunk.length, Math.max(0, from - at)), size - at)
    at += chunk.length
    if (part.length > 0) yield part
  }
}
