import { describe, expect, it } from 'vitest'
import { makeModelFile, nodeDigest as digest } from '../../testing/model-file.ts'
import { pieceStoreChecks } from '../../testing/piece-store-checks.ts'
import { PIECE_BYTES } from '../manifest.ts'
import { MemoryStore } from './memory-store.ts'

describe('MemoryStore', () => {
  it.each(Object.entries(pieceStoreChecks))('%s', (_, check) =>
    check(() => new MemoryStore({ digest }), digest),
  )

  it('has room for so much, and a piece twice takes it once', async () => {
    const { file, piece } = makeModelFile(2 * PIECE_BYTES + 5)
    const store = new MemoryStore({ digest }, { roomBytes: PIECE_BYTES + 5 })
    expect(await store.put(file, 0, piece(0))).toBe('kept')
    expect(await store.put(file, 0, piece(0))).toBe('kept')
    expect(await store.put(file, 1, piece(1))).toBe('full')
    expect(await store.put(file, 2, piece(2))).toBe('kept')
  })
})
