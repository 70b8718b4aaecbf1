import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { modelHash } from '../../base/ids.ts'
import { MIB } from '../../base/units.ts'
import { someModel } from '../../testing/peers.ts'
import { makeModel } from '../../testing/pieces.ts'
import { encode } from '../../wire/codec.ts'
import { hashManifest, PIECE_BYTES, type Manifest } from '../manifest.ts'
import { MAX_MANIFEST_BYTES } from './constants.ts'
import { PieceNumbers, readNamedManifest } from './numbering.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import { toHex, utf8 } from '../../base/bytes.ts'

const file = (path: string, size: number, pieces = Math.ceil(size / PIECE_BYTES)) => ({
  path,
  size,
  sha256: toHex(sha256(utf8(`${path} ${size}`))),
  pieces: Array.from({ length: pieces }, () => 'b'.repeat(64)),
})

describe('PieceNumbers', () => {
  it('gives each piece of each file one number, in order, and no other', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 3 * PIECE_BYTES }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(sizes, (each) => {
        const files = each.map((size, i) => file(`f${i}`, size))
        const numbers = new PieceNumbers({ files, weights: 'f0' })
        const placed = Array.from({ length: numbers.count }, (_, flat) => numbers.at(flat))
        const expected = files.flatMap((one) => one.pieces.map((_, piece) => [one.path, piece]))
        expect(placed.map((one) => [one?.file.path, one?.piece])).toEqual(expected)
        expect(placed.reduce((sum, one) => sum + (one?.length ?? NaN), 0)).toBe(
          each.reduce((a, b) => a + b, 0),
        )
        expect(numbers.at(numbers.count)).toBeUndefined()
        expect(numbers.at(-1)).toBeUndefined()
      }),
    )
  })

  it('takes one content under two paths', () => {
    const files = [file('w', 10), { ...file('w', 10), path: 'v' }]
    expect(new PieceNumbers({ files, weights: 'w' }).count).toBe(2)
  })

  it.each([
    ['a file that is larger than its pieces', [file('w', 3 * MIB, 2)]],
    ['a file that is smaller than its pieces', [file('w', 10, 2)]],
    ['two files of one path', [file('w', 10), file('w', 10)]],
    ['weights that it does not list', [file('other', 10)]],
    [
      'other pieces of the same content',
      [file('w', 10), { ...file('v', 10), sha256: file('w', 10).sha256, pieces: ['c'.repeat(64)] }],
    ],
    ['another size of it', [file('w', 10), { ...file('v', 11), sha256: file('w', 10).sha256 }]],
  ])('refuses %s', (_, files) => {
    expect(() => new PieceNumbers({ files, weights: 'w' })).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }) as Error,
    )
  })
})

describe('readNamedManifest', () => {
  const named = (manifest: unknown) => {
    const bytes = encode(manifest)
    return [bytes, modelHash(toHex(sha256(bytes)))] as const
  }

  it('reads what hashes to the name, and nothing else', async () => {
    const { manifest } = await makeModel({ 'a.onnx': 2 * MIB })
    expect(readNamedManifest(encode(manifest), hashManifest(manifest))).toEqual(manifest)
    expect(() => readNamedManifest(encode(manifest), someModel())).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }) as Error,
    )
  })

  it.each<[string, string, (manifest: Manifest) => unknown]>([
    ['a size that is a lie', 'models.corrupt', (m) => ({ ...m, files: [{ ...m.files[0], size: 5 * MIB }] })],
    [
      'a path outside its folder',
      'wire.malformed',
      (m) => ({ ...m, files: [...m.files, { ...m.files[0], path: '../secret' }] }),
    ],
    [
      '10,000 files',
      'wire.malformed',
      (m) => ({ ...m, files: Array.from({ length: 10_000 }, (_, i) => ({ ...file(`f${i}`, 0) })) }),
    ],
    ['a file of 2^60 bytes', 'wire.malformed', (m) => ({ ...m, files: [{ ...m.files[0], size: 2 ** 52 }] })],
    ...['a//b', 'a/./b', 'a/', 'a/.', '.a', 'a\\b', 'a\n', 'Ã¤', '/etc/x', 'a/../b', 'a\0'].map(
      (path): [string, string, (manifest: Manifest) => unknown] => [
        `the path ${JSON.stringify(path)}`,
        'wire.malformed',
        (m) => ({ ...m, files: [...m.files, file(path, 0)] }),
      ],
    ),
    ['another format', 'wire.malformed', (m) => ({ ...m, format: 'infernet/model/9' })],
    ['nothing but a number', 'wire.malformed', () => 7],
  ])('refuses one with %s, though it has its name', async (_, code, change) => {
    const { manifest } = await makeModel({ 'a.onnx': 2 * MIB })
    const [bytes, name] = named(change(manifest))
    expect(() => readNamedManifest(bytes, name)).toThrow(expect.objectContaining({ code }) as Error)
  })

  it('reads no more than it says', () => {
    const bytes = new Uint8Array(MAX_MANIFEST_BYTES + 1)
    expect(() => readNamedManifest(bytes, modelHash(toHex(sha256(bytes))))).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }) as Error,
    )
  })
})
