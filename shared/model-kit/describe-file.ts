import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '../base/bytes.ts'
import { PIECE_BYTES, type ManifestFile } from '../models/manifest.ts'

/** A file as a manifest lists it: its size, its hash, and the hash of each piece. */
export function describeFile(path: string, bytes: Uint8Array): ManifestFile {
  const pieces = []
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES)
    pieces.push(toHex(sha256(bytes.subarray(offset, offset + PIECE_BYTES))))
  return { path, size: bytes.length, sha256: toHex(sha256(bytes)), pieces }
}
