import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hashHex, makeManifest } from '../testing/model-file.ts'
import { MIB } from '../base/units.ts'
import { decode, encode } from '../wire/codec.ts'
import type { ByteSource } from './byte-source.ts'
import type { LoadProgress } from './load-progress.ts'
import { hashManifest, manifestBytes, manifestSchema, PIECE_BYTES, type ManifestFile } from './manifest.ts'
import { parseManifest } from './parse-manifest.ts'
import { fetchFromOrigin } from './store/fetch-from-origin.ts'
import { PieceMap } from './store/piece-map.ts'
import type { PieceStore } from './store/piece-store.ts'

/** 2^31: what a signed number of 32 bits cannot hold. */
const EDGE = 2048 * MIB
const SIZE = EDGE + PIECE_BYTES + 1234
const PATH = 'onnx/model.onnx_data'
const NO_HASH = '0'.repeat(64)

/** Of a file that nobody holds: what lies at a place follows from the place, other at each piece. */
const byteAt = (place: number): number => (place % 251) ^ (Math.floor(place / PIECE_BYTES) % 256)
const content = (from: number, to: number) =>
  Uint8Array.from({ length: to - from }, (_, i) => byteAt(from + i))
const hashOf = (from: number) =>
  createHash('sha256')
    .update(content(from, Math.min(from + PIECE_BYTES, SIZE)))
    .digest('hex')

/** Its last three pieces are known, those around the edge. */
const KNOWN = [EDGE - PIECE_BYTES, EDGE, EDGE + PIECE_BYTES]
const file: ManifestFile = {
  path: PATH,
  size: SIZE,
  sha256: NO_HASH,
  pieces: Array.from({ length: 2050 }, (_, i) => {
    const from = i * PIECE_BYTES
    return KNOWN.includes(from) ? hashOf(from) : NO_HASH
  }),
}

/** Serves the file from any offset on; `spoil` may change what is served or end it early. */
function createSource(
  spoil: (opening: number, chunk: Uint8Array, at: number) => Uint8Array | undefined = (_, chunk) => chunk,
) {
  const offsets: number[] = []
  const source: ByteSource = {
    async open(_, { offset }) {
      const opening = offsets.push(offset)
      return {
        offset,
        body: (async function* () {
          for (let at = offset; at < SIZE; at += 300_000) {
            const chunk = spoil(opening, content(at, Math.min(at + 300_000, SIZE)), at)
            if (!chunk) return
            yield chunk
          }
        })(),
      }
    },
  }
  return { source, offsets }
}

/** A store that holds all before the edge, and tells what it was given. */
function storeAtTheEdge() {
  const pieces: (readonly [number, string])[] = []
  const map = new PieceMap(file.pieces.length)
  for (let piece = 0; piece < map.pieces - KNOWN.length; piece++) map.add(piece)
  const store: PieceStore = {
    held: async () => PieceMap.from(map.toBytes(), map.pieces) ?? map,
    async put(_, piece, bytes) {
      const hash = createHash('sha256').update(bytes).digest('hex')
      if (hash !== file.pieces[piece]) return 'wrong'
      map.add(piece)
      pieces.push([piece * PIECE_BYTES, hash])
      return 'kept'
    },
    read: async () => undefined,
  }
  return { store, pieces }
}

async function readEnd(source: ByteSource) {
  const { store, pieces } = storeAtTheEdge()
  let told = 0
  const onProgress = ({ loadedBytes }: LoadProgress): void => void (told = loadedBytes)
  await fetchFromOrigin({ store, sources: [source] }, makeManifest(file), { onProgress })
  return { pieces: pieces.toSorted(([a], [b]) => a - b), told }
}

const ALL = KNOWN.map((from) => [from, hashOf(from)])

describe('a file beyond 2 GB', () => {
  it('is read over the edge, piece by piece, each at its place', async () => {
    const { source, offsets } = createSource()
    const { pieces, told } = await readEnd(source)
    expect(offsets).toEqual([EDGE - PIECE_BYTES])
    expect(pieces).toEqual(ALL)
    expect(told).toBe(SIZE)
  })

  it('goes on behind the edge where a connection broke', async () => {
    const { source, offsets } = createSource((opening, chunk, at) =>
      opening === 1 && at + chunk.length > EDGE + 9
        ? at < EDGE + 9
          ? chunk.subarray(0, EDGE + 9 - at)
          : undefined
        : chunk,
    )
    expect((await readEnd(source)).pieces).toEqual(ALL)
    expect(offsets).toEqual([EDGE - PIECE_BYTES, EDGE])
  })

  it('fetches a wrong piece behind the edge once more, from where it begins', async () => {
    const { source, offsets } = createSource((opening, chunk, at) =>
      opening === 1 ? chunk.map((byte, i) => (at + i === EDGE + 10 ? byte ^ 1 : byte)) : chunk,
    )
    expect((await readEnd(source)).pieces).toEqual(ALL)
    expect(offsets).toEqual([EDGE - PIECE_BYTES, EDGE])
  })

  it('names the piece that stays wrong', async () => {
    const { source } = createSource((_, chunk, at) => (at > EDGE ? chunk.map((byte) => byte ^ 1) : chunk))
    await expect(readEnd(source)).rejects.toMatchObject({
      code: 'models.corrupt',
      facts: { path: PATH, piece: EDGE / PIECE_BYTES },
    })
  })
})

describe('a manifest of files beyond 2 GB', () => {
  const sized = (path: string, size: number) => ({
    path,
    size,
    sha256: hashHex(new TextEncoder().encode(path)),
    pieces: Array.from({ length: Math.ceil(size / PIECE_BYTES) }, () => NO_HASH),
  })
  const withFiles = (...files: readonly ManifestFile[]) => ({
    format: 'infernet/model/1',
    id: 'large',
    name: 'Large',
    task: 'text-generation',
    dtype: 'fp16',
    weights: 'onnx/model.onnx',
    contextLength: 4096,
    vocabSize: 152_064,
    memory: { largestTensorBytes: EDGE + 64, cacheBytesPerToken: 16_384 },
    files: [sized('onnx/model.onnx', 1234), ...files],
  })
  const parse = (value: unknown) => parseManifest(new TextEncoder().encode(JSON.stringify(value)))

  it('keeps every size, as JSON and as what its hash is made of', () => {
    const given = withFiles(sized(PATH, EDGE + 7), sized(`${PATH}_1`, 2 * EDGE))
    const manifest = parse(given)
    expect(manifest).toEqual(given)
    expect(manifestBytes(manifest)).toBe(1234 + 3 * EDGE + 7)
    expect(decode(manifestSchema, encode(manifest))).toEqual(given)
    const other = parse(withFiles(sized(PATH, EDGE + 8), sized(`${PATH}_1`, 2 * EDGE)))
    expect(hashManifest(other)).not.toBe(hashManifest(manifest))
  })

  it('is refused where one file is larger than wasm could hold', () => {
    expect(() => parse(withFiles(sized(PATH, 2 * EDGE + 1)))).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }) as Error,
    )
  })
})
