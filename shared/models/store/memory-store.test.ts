import { createHash, webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import { MemoryStore } from './memory-store.ts'

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const content = Uint8Array.from(
  { length: 2 * PIECE_BYTES + 5 },
  (_, i) => (i * 7 + (i >> 8) + (i >> 16)) & 255,
)
const pieceOf = (piece: number) => content.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)
const file: ManifestFile = {
  path: 'model.onnx',
  size: content.length,
  sha256: hash(content),
  pieces: [0, 1, 2].map((piece) => hash(pieceOf(piece))),
}
const digest = (bytes: Uint8Array<ArrayBuffer>) => webcrypto.subtle.digest('SHA-256', bytes)

describe('MemoryStore', () => {
  it('gives what it took, in any order, and tells what is here', async () => {
    const store = new MemoryStore({ digest })
    expect((await store.held(file)).count).toBe(0)
    for (const piece of [2, 0]) expect(await store.put(file, piece, pieceOf(piece))).toBe('kept')
    const map = await store.held(file)
    expect([map.has(0), map.has(1), map.has(2)]).toEqual([true, false, true])
    expect(await store.read(file, 2)).toEqual(pieceOf(2))
    expect(await store.read(file, 1)).toBeUndefined()
    map.add(1)
    expect((await store.held(file)).has(1), 'the map is a copy').toBe(false)
  })

  it('takes nothing that is wrong, too short, or no piece of the file', async () => {
    const store = new MemoryStore({ digest })
    expect(await store.put(file, 0, pieceOf(1))).toBe('wrong')
    expect(await store.put(file, 2, pieceOf(0))).toBe('wrong')
    expect(await store.put(file, 3, pieceOf(2))).toBe('wrong')
    expect((await store.held(file)).count).toBe(0)
  })

  it('has room for so much, and a piece twice takes it once', async () => {
    const store = new MemoryStore({ digest }, { roomBytes: PIECE_BYTES + 5 })
    expect(await store.put(file, 0, pieceOf(0))).toBe('kept')
    expect(await store.put(file, 0, pieceOf(0))).toBe('kept')
    expect(await store.put(file, 1, pieceOf(1))).toBe('full')
    expect(await store.put(file, 2, pieceOf(2))).toBe('kept')
  })

  it('keeps what was checked when the giver changes its buffer', async () => {
    const store = new MemoryStore({ digest })
    const given = pieceOf(0)
    const put = store.put(file, 0, given)
    given.fill(0)
    expect(await put).toBe('kept')
    const read = await store.read(file, 0)
    read?.fill(0)
    expect(await store.read(file, 0)).toEqual(pieceOf(0))
  })
})
