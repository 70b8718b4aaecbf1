import { createHash, webcrypto } from 'node:crypto'
import type { Digest } from '../models/byte-source.ts'
import { PIECE_BYTES, type Manifest, type ManifestFile } from '../models/manifest.ts'
import { seededChance } from './chance.ts'

export const nodeDigest: Digest = (bytes) => webcrypto.subtle.digest('SHA-256', bytes)
export const hashHex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A file of a model whose bytes a seed decides. */
export interface MadeFile {
  readonly file: ManifestFile
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly piece: (index: number) => Uint8Array<ArrayBuffer>
}

export function makeModelFile(size: number, { seed = 1, path = 'onnx/model.onnx' } = {}): MadeFile {
  const chance = seededChance(seed)
  const bytes = new Uint8Array(size)
  const words = new Uint32Array(bytes.buffer, 0, size >> 2)
  for (let i = 0; i < words.length; i++) words[i] = chance() * 2 ** 32
  const piece = (index: number) => bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)
  const pieces = Array.from({ length: Math.ceil(size / PIECE_BYTES) }, (_, index) => hashHex(piece(index)))
  return { file: { path, size, sha256: hashHex(bytes), pieces }, bytes, piece }
}

/** A model of these files, which nobody could run. */
export function makeManifest(...files: readonly ManifestFile[]): Manifest {
  return {
    format: 'infernet/model/1',
    id: 'made',
    name: 'Made',
    task: 'text-generation',
    dtype: 'fp32',
    weights: files[0]?.path ?? 'onnx/model.onnx',
    contextLength: 100,
    vocabSize: 8,
    files: [...files],
  }
}
