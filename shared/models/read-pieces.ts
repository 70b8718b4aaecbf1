import { toHex } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from './byte-source.ts'
import { PIECE_BYTES, type ManifestFile } from './manifest.ts'

export interface ReadPiecesOptions {
  readonly signal?: AbortSignal | undefined
  /** A piece that is in place and right, in order. */
  readonly onPiece: (offset: number, piece: Uint8Array<ArrayBuffer>) => Promise<void>
  /** Bytes of the file that have come so far, right or not. */
  readonly onBytes: (count: number) => void
}

/**
 * Reads a file from `start` (a piece's border) into `into`, checking each piece.
 *
 * A piece that is wrong is fetched once more on its own; a stream that ends early is opened once more where it ended,
 * which is what a dropped connection needs. A second failure of the same kind is reported.
 *
 * @throws InfernetError `models.corrupt`, `models.truncated`, `models.unavailable`, or the signal's reason
 */
export async function readPieces(
  components: { readonly source: ByteSource; readonly digest: Digest },
  file: ManifestFile,
  into: Uint8Array<ArrayBuffer>,
  start: number,
  options: ReadPiecesOptions,
): Promise<void> {
  const { source, digest } = components
  const { signal, onPiece, onBytes } = options
  let filled = start
  let checked = start
  let lastBreak = -1
  while (checked < file.size) {
    await endingEarly(async () => {
      for await (const chunk of bytesFrom(source, file.path, filled, signal)) {
        // The loop goes on after the last byte, so that a stream that ends there ends by itself.
        if (filled === file.size) return
        const part = chunk.subarray(0, file.size - filled)
        into.set(part, filled)
        filled += part.length
        onBytes(filled)
        while (checked < file.size && filled >= endOfPiece(file, checked)) {
          const end = endOfPiece(file, checked)
          await checkPiece(checked, end)
          await onPiece(checked, into.subarray(checked, end))
          checked = end
        }
      }
    }, signal)
    if (checked === file.size) return
    if (filled === lastBreak)
      throw new InfernetError('models.truncated', { path: file.path, got: filled, expected: file.size })
    lastBreak = filled
  }

  async function checkPiece(offset: number, end: number): Promise<void> {
    if (await isRight(offset, end)) return
    let at = offset
    await endingEarly(async () => {
      for await (const chunk of bytesFrom(source, file.path, offset, signal)) {
        const part = chunk.subarray(0, end - at)
        into.set(part, at)
        at += part.length
        if (at === end) break
      }
    }, signal)
    if (at < end || !(await isRight(offset, end)))
      throw new InfernetError('models.corrupt', { path: file.path, piece: Math.floor(offset / PIECE_BYTES) })
  }

  async function isRight(offset: number, end: number): Promise<boolean> {
    const hash = toHex(new Uint8Array(await digest(into.subarray(offset, end))))
    signal?.throwIfAborted()
    return hash === file.pieces[offset / PIECE_BYTES]
  }
}

function endOfPiece(file: ManifestFile, offset: number): number {
  return Math.min(offset + PIECE_BYTES, file.size)
}

/** A connection that breaks in the middle counts as a stream that ends there; named refusals and cancels go on. */
async function endingEarly(read: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  try {
    await read()
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof InfernetError) throw error
  }
}

/** The bytes of a source from `offset` on, whether or not the source can skip. */
async function* bytesFrom(
  source: ByteSource,
  path: string,
  offset: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted()
  const opened = await source.open(path, { offset, signal })
  let skip = offset - opened.offset
  for await (const chunk of opened.body) {
    signal?.throwIfAborted()
    if (skip < chunk.length) yield chunk.subarray(skip)
    skip = Math.max(0, skip - chunk.length)
  }
}
