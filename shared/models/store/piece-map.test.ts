import { expect, it } from 'vitest'
import fc from 'fast-check'
import { PieceMap } from './piece-map.ts'

it('tells what was put in, by piece, by count, and through its bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 70 }), fc.uniqueArray(fc.nat(80)), (pieces, wanted) => {
      const map = new PieceMap(pieces)
      for (const piece of wanted) map.add(piece)
      const inside = wanted.filter((piece) => piece < pieces)
      const read = PieceMap.from(map.toBytes(), pieces)
      for (const some of [map, read]) {
        expect(some?.count).toBe(inside.length)
        expect(inside.every((piece) => some?.has(piece))).toBe(true)
        expect(some?.isComplete).toBe(inside.length === pieces)
      }
      for (const piece of wanted) map.remove(piece)
      expect(map.count).toBe(0)
    }),
  )
})

it('has its first piece in the highest bit', () => {
  const map = new PieceMap(10)
  map.add(0)
  map.add(9)
  expect([...map.toBytes()]).toEqual([0x80, 0x40])
})

it.each([
  ['too few bytes', [0xff], 9],
  ['too many bytes', [0, 0], 8],
  ['a piece beyond the last one', [0xff, 0xc0], 9],
])('refuses %s', (_, bytes, pieces) => {
  expect(PieceMap.from(Uint8Array.from(bytes), pieces)).toBeUndefined()
})
