import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRange } from './parse-range.ts'

test.each([
  ['bytes=0-9', [0, 9]],
  ['bytes=90-', [90, 99]],
  ['bytes=90-500', [90, 99]],
  ['bytes=-10', [90, 99]],
  ['bytes=-500', [0, 99]],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=9-0', undefined],
  ['bytes=0-1,2-3', undefined],
  ['bytes=-', undefined],
  ['lines=0-9', undefined],
  ['bytes=a-b', undefined],
  [undefined, undefined],
] as const)('%s of 100 bytes', (header, range) => {
  expect(parseRange(header, 100)).toEqual(range)
})

test('whatever is asked, what is answered lies within the file', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(1e6), (junk, from, to, size) => {
      for (const header of [junk, `bytes=${from}-${to}`, `bytes=${from}-`, `bytes=-${to}`]) {
        const range = parseRange(header, size)
        if (!Array.isArray(range)) continue
        expect(range[0]).toBeGreaterThanOrEqual(0)
        expect(range[0]).toBeLessThanOrEqual(range[1])
        expect(range[1]).toBeLessThan(size)
      }
    }),
  )
})
