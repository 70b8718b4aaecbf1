import fc from 'fast-check'
import { expect, it } from 'vitest'
import { marginBytes, marginsFrom } from './margin-bytes.ts'

it('margins come back as they were, to the bit, those that the filters rule out included', () => {
  const margins = fc.array(fc.oneof(fc.double({ min: 0, noNaN: true }), fc.constant(Infinity)))
  fc.assert(fc.property(margins, (all) => void expect(marginsFrom(marginBytes(all))).toEqual(all)))
})

it('what no check can find is none: below zero, no number, or cut off', () => {
  expect(marginsFrom(marginBytes([0, -1]))).toBeUndefined()
  expect(marginsFrom(marginBytes([NaN]))).toBeUndefined()
  expect(marginsFrom(marginBytes([1, 2]).subarray(0, 12))).toBeUndefined()
})
