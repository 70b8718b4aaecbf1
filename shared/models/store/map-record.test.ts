import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeRecord, newestRecord, PLACE_BYTES, type MapRecord } from './map-record.ts'
import { PieceMap } from './piece-map.ts'

function recordOf(turn: number, pieces: number, held: readonly number[] = []): MapRecord {
  const map = new PieceMap(pieces)
  for (const piece of held) map.add(piece)
  const stamp = { size: 5_000_000_000, modifiedAt: 1.7e12 + turn }
  return { turn, stamp, list: 'ab'.repeat(32), isWhole: turn % 2 === 1, isReadBack: turn % 3 === 1, map }
}
function placed(...records: readonly MapRecord[]): Uint8Array {
  const places = new Uint8Array(2 * PLACE_BYTES)
  for (const record of records) places.set(encodeRecord(record), (record.turn % 2) * PLACE_BYTES)
  return places
}

it('gives back the newer of two records, whole', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 0, max: 4096 }),
      fc.array(fc.nat(4095)),
      (turn, pieces, held) => {
        const newest = recordOf(turn + 1, pieces, held)
        const read = newestRecord(placed(recordOf(turn, 9), newest))
        expect({ ...read, map: read?.map.toBytes() }).toEqual({ ...newest, map: newest.map.toBytes() })
      },
    ),
    { numRuns: 30 },
  )
})

it('gives the older one wherever the write of the newer was cut off, and none where both are spoilt', () => {
  const [old, next] = [recordOf(4, 700, [3, 699]), recordOf(6, 700, [3, 5, 699])]
  const encoded = encodeRecord(next)
  const before = placed(recordOf(5, 700, [3]), old)
  // The write of turn 6 goes over turn 4, and 5 is what must be left.
  fc.assert(
    fc.property(fc.nat(encoded.length - 1), (cut) => {
      const places = before.slice()
      places.set(encoded.subarray(0, cut), 0)
      const found = newestRecord(places)
      expect([4, 5]).toContain(found?.turn)
      expect(found?.turn).toBe(5)
    }),
  )
  expect(newestRecord(new Uint8Array(2 * PLACE_BYTES))).toBeUndefined()
  expect(newestRecord(new Uint8Array(7))).toBeUndefined()
})

it('reads no record out of any other bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2 * PLACE_BYTES }), (bytes) => {
      expect(newestRecord(bytes)).toBeUndefined()
    }),
  )
  const whole = placed(recordOf(3, 70, [1]))
  fc.assert(
    fc.property(
      fc.nat(encodeRecord(recordOf(3, 70)).length - 1),
      fc.integer({ min: 1, max: 255 }),
      (at, by) => {
        const place = PLACE_BYTES + at
        const spoilt = Uint8Array.from(whole)
        spoilt[place] = (whole[place] ?? 0) ^ by
        expect(newestRecord(spoilt)).toBeUndefined()
      },
    ),
  )
})
