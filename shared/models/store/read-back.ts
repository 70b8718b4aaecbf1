import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '../../base/bytes.ts'
import type { Digest } from '../byte-source.ts'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import type { StoreDevice } from './store-device.ts'
import { hashOf, withFile } from './with-file.ts'

/** Pieces that are read and hashed beside one another, each in a buffer that is used again. */
const BUFFERS = 3

/** A hash that is fed in parts. */
export interface Hasher {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Hears how much has been read. */
  readonly onBytes?: ((count: number) => void) | undefined
}

/**
 * Reads all of a file and gives the pieces whose bytes are others than they were when they were checked and written.
 * WebCrypto hashes them: for a GB that is a second or two, where the hash of the whole, in JavaScript, takes 25.
 */
export async function wrongPieces(
  { device, digest }: { readonly device: StoreDevice; readonly digest: Digest },
  file: ManifestFile,
  { signal, onBytes }: ReadOptions = {},
): Promise<readonly number[]> {
  const wrong: number[] = []
  const buffers = Array.from({ length: Math.min(BUFFERS, file.pieces.length) }, () => ({
    bytes: new Uint8Array(Math.min(PIECE_BYTES, file.size)),
    hashing: Promise.resolve(),
  }))
  let done = 0
  await withFile(device, file.sha256, 'read', async (data) => {
    const check = async (piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
      if ((await hashOf(digest, bytes)) !== file.pieces[piece]) wrong.push(piece)
      onBytes?.((done += bytes.length))
    }
    for (const piece of file.pieces.keys()) {
      const buffer = buffers[piece % buffers.length]
      if (!buffer) break
      await buffer.hashing
      signal?.throwIfAborted()
      const at = piece * PIECE_BYTES
      const bytes = buffer.bytes.subarray(0, Math.min(PIECE_BYTES, file.size - at))
      await data.read(at, bytes)
      buffer.hashing = check(piece, bytes)
      buffer.hashing.catch(() => undefined) // it is waited for below
    }
  }).finally(() => Promise.allSettled(buffers.map(({ hashing }) => hashing)))
  await Promise.all(buffers.map(({ hashing }) => hashing))
  return wrong
}

/** SHA-256 of a whole file of `size` bytes, as hex digits. It is read and hashed part by part, so it takes long. */
export async function hashWhole(
  device: StoreDevice,
  { sha256: name }: Pick<ManifestFile, 'sha256'>,
  size: number,
  hasher: Hasher = sha256.create(),
): Promise<string> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, size))
  await withFile(device, name, 'read', async (data) => {
    for (let at = 0; at < size; at += buffer.length) {
      const part = buffer.subarray(0, Math.min(buffer.length, size - at))
      hasher.update(part.subarray(0, await data.read(at, part)))
    }
  })
  return toHex(hasher.digest())
}
