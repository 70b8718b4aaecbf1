import { toHex } from '../base/bytes.ts'
import type { Digest } from '../models/byte-source.ts'
import { PIECE_BYTES, type ManifestFile } from '../models/manifest.ts'
import type { PieceStore } from '../models/store/piece-store.ts'

/** Throws when the store breaks the promise that it is named after. It gets a maker of empty stores. */
export type PieceStoreCheck = (make: () => Promise<PieceStore> | PieceStore, digest: Digest) => Promise<void>

/** What every store of pieces must do, by the promise. No test runner: a store of a tab can be tried in a browser alone. */
export const pieceStoreChecks: Readonly<Record<string, PieceStoreCheck>> = {
  async 'gives what it took, in any order, and tells what is here'(make, digest) {
    const { file, pieceOf } = await someFile(digest)
    const store = await make()
    expectSame((await store.held(file)).count, 0)
    for (const piece of [2, 0]) expectSame(await store.put(file, piece, pieceOf(piece)), 'kept')
    const map = await store.held(file)
    expectSame([0, 1, 2].filter((piece) => map.has(piece)).join(), '0,2')
    expectBytes(await store.read(file, 2), pieceOf(2))
    expectBytes(await store.read(file, 1), undefined)
    map.add(1)
    expectSame((await store.held(file)).has(1), false)
  },

  async 'takes nothing that is wrong, too short, or no piece of the file'(make, digest) {
    const { file, pieceOf } = await someFile(digest)
    const store = await make()
    expectSame(await store.put(file, 0, pieceOf(1)), 'wrong')
    expectSame(await store.put(file, 2, pieceOf(0)), 'wrong')
    expectSame(await store.put(file, 3, pieceOf(2)), 'wrong')
    expectSame((await store.held(file)).count, 0)
  },

  async 'takes many at once, and a piece twice as one'(make, digest) {
    const { file, pieceOf } = await someFile(digest)
    const store = await make()
    const put = [0, 1, 2, 1, 0].map((piece) => store.put(file, piece, pieceOf(piece)))
    expectSame((await Promise.all(put)).join(), 'kept,kept,kept,kept,kept')
    expectSame((await store.held(file)).isComplete, true)
    for (const piece of [0, 1, 2]) expectBytes(await store.read(file, piece), pieceOf(piece))
  },

  async 'gives what may be changed'(make, digest) {
    const { file, pieceOf } = await someFile(digest)
    const store = await make()
    expectSame(await store.put(file, 0, pieceOf(0)), 'kept')
    const read = await store.read(file, 0)
    read?.fill(0)
    expectBytes(await store.read(file, 0), pieceOf(0))
  },
}

async function someFile(digest: Digest): Promise<{
  readonly file: ManifestFile
  readonly pieceOf: (piece: number) => Uint8Array<ArrayBuffer>
}> {
  const content = Uint8Array.from(
    { length: 2 * PIECE_BYTES + 5 },
    (_, i) => (i * 7 + (i >> 8) + (i >> 16)) & 255,
  )
  const hash = async (bytes: Uint8Array<ArrayBuffer>) => toHex(new Uint8Array(await digest(bytes)))
  const pieceOf = (piece: number) => content.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)
  const pieces = await Promise.all([0, 1, 2].map((piece) => hash(pieceOf(piece))))
  return { file: { path: 'some', size: content.length, sha256: await hash(content), pieces }, pieceOf }
}

function expectSame<T>(found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${String(wanted)} was expected, ${String(found)} came`)
}

function expectBytes(found: Uint8Array | undefined, wanted: Uint8Array | undefined): void {
  const isSame = found?.length === wanted?.length && (found?.every((byte, i) => byte === wanted?.[i]) ?? true)
  if (!isSame) throw new Error(`other bytes came: ${found?.length ?? 'none'}`)
}
