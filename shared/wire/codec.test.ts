import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../base/bytes.ts'
import { decode, encode, encodeParts } from './codec.ts'
import { MAX_FRAME_BYTES } from './limits.ts'

const anything = v.unknown()
const malformed = expect.objectContaining({ name: 'InfernetError', code: 'wire.malformed' }) as Error
const read = (hex: string): unknown => decode(anything, fromHex(hex))

const key = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text.isWellFormed())
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, 0.5),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    key,
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
}))

describe('encode', () => {
  it('comes back as it went', () => {
    fc.assert(
      fc.property(value, (message) => {
        const back = decode(anything, encode(message))
        expect(encode(back)).toEqual(encode(message))
      }),
    )
  })

  it('gives one encoding for one value, in whatever order its keys were written', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 8 }), (message) => {
        const turned = Object.fromEntries(Object.entries(message).reverse())
        expect(toHex(encode(turned))).toBe(toHex(encode(message)))
      }),
    )
    expect(toHex(encode({ bb: 1, a: 2, c: 3 }))).toBe('a361610261630362626201')
  })

  it('writes what the specification writes', () => {
    expect(toHex(encode([0, 23, 24, 255, 256, -1, 1.5, 'a', true, null, Uint8Array.of(1)]))).toBe(
      '8b0017181818ff19010020f93e006161f5f64101',
    )
  })
})

describe('encodeParts', () => {
  const large = fc.integer({ min: 4000, max: 70_000 }).map((length) => new Uint8Array(length).fill(7))
  const joined = (parts: readonly Uint8Array[]) => toHex(Buffer.concat(parts))

  it('gives the bytes of the one encoding', () => {
    const field = fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: large })
    fc.assert(
      fc.property(fc.dictionary(key, field, { maxKeys: 30 }), (message) => {
        expect(joined(encodeParts(message)) === toHex(encode(message))).toBe(true)
      }),
    )
    fc.assert(fc.property(value, (message) => joined(encodeParts(message)) === toHex(encode(message))))
  })

  it('copies no large byte string', () => {
    const bytes = new Uint8Array(60 * 1024)
    const parts = encodeParts({ type: 'data', piece: 3, offset: 61_440, bytes })
    expect(parts.filter((part) => part === bytes).length).toBe(1)
    expect(parts.length).toBe(3)
  })
})

describe('decode', () => {
  it.each([
    ['nothing', ''],
    ['a byte after the item', '0000'],
    ['a second item', 'a0a0'],
    ['an array that ends early', '8201'],
    ['a text that ends early', '6361'],
    ['a length beyond the frame', '5affffffff00'],
    ['a length of 2^64', '9bffffffffffffffff'],
    ['a map length of 2^64', 'bbffffffffffffffff'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite map', 'bf616101ff'],
    ['an indefinite text', '7f6161ff'],
    ['an indefinite byte string', '5f4101ff'],
    ['a number in more bytes than it needs', '1800'],
    ['a length in more bytes than it needs', '780161'],
    ['a key that comes twice', 'a2616101616102'],
    ['a key that is no text', 'a10102'],
    ['undefined', 'f7'],
    ['not a number', 'f97e00'],
    ['infinity', 'f97c00'],
    ['minus infinity', 'f9fc00'],
    ['an integer above 2^53', '1b0020000000000001'],
    ['an integer below -2^53', '3b0020000000000001'],
    ['a tagged number', 'c100'],
    ['a big number', 'c249010000000000000000'],
    ['a tag of our own making', 'd9d9f700'],
    ['a simple value', 'e0'],
    ['a break alone', 'ff'],
    ['a reserved head', '1c'],
  ])('refuses %s', (_, hex) => {
    expect(() => read(hex)).toThrow(malformed)
  })

  it.each([
    ['arrays', 0x81],
    ['maps', 0xa1],
    ['tags', 0xc1],
    ['indefinite arrays', 0x9f],
  ])('refuses a whole frame of nested %s and goes on', (_, head) => {
    expect(() => decode(anything, new Uint8Array(MAX_FRAME_BYTES).fill(head))).toThrow(malformed)
    expect(read('8101')).toEqual([1])
  })

  it('refuses well-formed nesting that is too deep for its schema, without a crash', () => {
    const depth = 20_000
    const nested = new Uint8Array(depth + 1).fill(0x81)
    nested[depth] = 0x00
    expect(() => decode(v.array(v.number()), nested)).toThrow(malformed)
  })

  it('makes no prototype of a key', () => {
    const back = decode(
      v.record(v.string(), v.unknown()),
      encode(JSON.parse('{"__proto__":{"evil":1},"a":1}')),
    )
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect((back as { evil?: number }).evil).toBeUndefined()
    expect(() =>
      decode(v.strictObject({ a: v.number() }), encode(JSON.parse('{"__proto__":{"a":1}}'))),
    ).toThrow(malformed)
  })

  it('names the field that does not fit and never says what was in it', () => {
    const schema = v.strictObject({ a: v.strictObject({ b: v.array(v.number()) }) })
    const fail = (message: unknown): unknown => {
      try {
        return decode(schema, encode(message))
      } catch (thrown) {
        return thrown
      }
    }
    expect(fail({ a: { b: [1, 'secret'] } })).toMatchObject({ facts: { field: 'a.b.1' } })
    expect(fail({ a: { b: [], 'secret key': 1 } })).toMatchObject({ code: 'wire.malformed' })
    expect((fail({ a: { b: [1, 'secret'] } }) as Error).message).not.toContain('secret')
    expect(fail('secret')).toMatchObject({ facts: { field: 'message' } })
  })

  it('throws nothing but its own error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          const back = decode(anything, bytes)
          expect(decode(anything, encode(back))).toEqual(back)
        } catch (thrown) {
          expect(thrown).toEqual(malformed)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
