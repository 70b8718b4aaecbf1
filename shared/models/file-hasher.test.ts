import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FileHasher } from './file-hasher.ts'
import { PIECE_BYTES } from './manifest.ts'

const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', bytes)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const sizes = [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 5]

it.each(sizes)('hashes a file of %i bytes in any parts, and gives its pieces as they fill', async (size) => {
  const content = new Uint8Array(size).map((_, i) => (i * 7) ^ (i >> 8))
  const wanted: Uint8Array[] = []
  for (let at = 0; at < size; at += PIECE_BYTES) wanted.push(content.subarray(at, at + PIECE_BYTES))
  const git = createHash('sha1').update(`blob ${size}\0`).update(content).digest('hex')
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 10_000, max: 3_000_000 }), fc.boolean(), async (part, isNative) => {
      const streamingHash = isNative ? () => createHash('sha256') : undefined
      const hasher = new FileHasher({ digest, streamingHash }, size)
      const kept = new Uint8Array(size)
      const keep = async (offset: number, piece: Uint8Array): Promise<void> => kept.set(piece, offset)
      for (let at = 0; at < size; at += part) await hasher.update(content.subarray(at, at + part), keep)
      expect(hasher.size).toBe(size)
      expect(await hasher.finish('a', keep)).toEqual({
        file: { path: 'a', size, sha256: sha256(content), pieces: wanted.map(sha256) },
        gitHash: git,
      })
      expect(Buffer.compare(kept, content)).toBe(0)
    }),
    { numRuns: 5 },
  )
})
