import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import { isPlainLine } from '../base/text-bounds.ts'
import { makePeer } from '../testing/peers.ts'
import {
  amountField,
  bytes,
  bytesUpTo,
  epochMillisField,
  integer,
  jobIdField,
  line,
  list,
  millisField,
  modelHashField,
  peerNameField,
  real,
  tokenIds,
  tokensField,
} from './fields.ts'
import { MAX_TOKEN_ID } from './limits.ts'
import { wireErrorSchema } from './wire-error.ts'

const takes = (schema: v.GenericSchema, value: unknown): boolean => v.safeParse(schema, value).success
const anything = fc.anything({ withBigInt: true, withDate: true, withSparseArray: true })

describe('numbers within bounds', () => {
  it('takes whole ones from the first to the last and nothing else', () => {
    const schema = integer(-3, 7)
    for (const value of [-3, 0, 7]) expect(takes(schema, value)).toBe(true)
    for (const value of [-4, 8, 0.5, Number.NaN, Infinity, 2 ** 53, '1', 1n, null, undefined, [1]])
      expect(takes(schema, value)).toBe(false)
  })

  it('takes finite ones from the first to the last and nothing else', () => {
    const schema = real(0, 2)
    for (const value of [0, 0.7, 2]) expect(takes(schema, value)).toBe(true)
    for (const value of [-0.001, 2.001, Number.NaN, Infinity, '1', 1n, null])
      expect(takes(schema, value)).toBe(false)
  })

  it.each([
    ['epoch', epochMillisField, 9_999_999_999_999],
    ['span', millisField, 86_400_000],
    ['tokens', tokensField, 2 ** 24],
  ])('bounds %s', (_, schema, max) => {
    expect(takes(schema, 0) && takes(schema, max)).toBe(true)
    expect(takes(schema, -1) || takes(schema, max + 1) || takes(schema, 0.5)).toBe(false)
  })
})

describe('byte strings', () => {
  it('have the length they must have', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (value) => {
        expect(takes(bytes(16), value)).toBe(value.length === 16)
        expect(takes(bytesUpTo(16), value)).toBe(value.length <= 16)
        expect(takes(jobIdField, value)).toBe(value.length === 16)
        expect(takes(modelHashField, value)).toBe(value.length === 32)
      }),
    )
    for (const other of [
      'a'.repeat(16),
      Array.from({ length: 16 }, () => 1),
      new Uint16Array(16),
      new ArrayBuffer(16),
    ])
      expect(takes(bytes(16), other)).toBe(false)
  })

  it('are hex in memory where they name something', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (value) => {
        expect(fromHex(v.parse(jobIdField, value))).toEqual(value)
      }),
    )
  })
})

describe('amounts', () => {
  it('come back as they went, up to 2^128 - 1', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (amount) => {
        expect(v.parse(amountField, amountToBytes(amount))).toBe(amount)
      }),
    )
  })

  it('are refused above that, with a leading zero, and as a number', () => {
    for (const value of [amountToBytes(2n ** 128n), Uint8Array.of(0), Uint8Array.of(0, 1), 1, 1n, '1'])
      expect(takes(amountField, value)).toBe(false)
  })
})

describe('texts and lists', () => {
  it('take one plain line of at most so many characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(takes(line(10), text)).toBe(text.length <= 10 && isPlainLine(text))
      }),
    )
  })

  it('take at most so many items', () => {
    expect(takes(list(integer(0, 1), 2), [0, 1])).toBe(true)
    expect(takes(list(integer(0, 1), 2), [0, 1, 0])).toBe(false)
    expect(takes(list(integer(0, 1), 2), [0, 2])).toBe(false)
    expect(takes(list(integer(0, 1), 2), { length: 0 })).toBe(false)
  })

  it('take token ids that a vocabulary can have', () => {
    expect(takes(tokenIds(3), [0, MAX_TOKEN_ID])).toBe(true)
    for (const ids of [[-1], [0.5], [MAX_TOKEN_ID + 1], [Number.NaN], ['1'], [1, 2, 3, 4], [undefined]])
      expect(takes(tokenIds(3), ids)).toBe(false)
  })
})

describe('names of peers', () => {
  it('are Ed25519 peer ids in text and nothing else', async () => {
    for (let i = 0; i < 20; i++) expect(takes(peerNameField, (await makePeer()).name)).toBe(true)
    const { name } = await makePeer()
    const odd = [
      `${name}x`,
      name.slice(1),
      ` ${name}`,
      `${name}\n`,
      name.toLowerCase(),
      name.replace('K', '0'),
      '',
    ]
    for (const text of [...odd, 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', 7, null])
      expect(takes(peerNameField, text)).toBe(false)
  })
})

describe('a refusal on the wire', () => {
  it('has a code and a few small facts', () => {
    expect(
      takes(wireErrorSchema, { code: 'stream.busy', facts: { running: 1, reason: 'x', isNew: true } }),
    ).toBe(true)
    const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, i]))
    for (const value of [
      { code: 'x'.repeat(61), facts: {} },
      { code: 'x', facts: nine },
      { code: 'x', facts: { a: 'y'.repeat(257) } },
      { code: 'x', facts: { ['n'.repeat(25)]: 1 } },
      { code: 'x', facts: { a: {} } },
      { code: 'x', facts: { a: null } },
      { code: 'x', facts: [], message: 'text' },
      { code: 'x' },
      { facts: {} },
    ])
      expect(takes(wireErrorSchema, value)).toBe(false)
  })
})

describe('every field', () => {
  it('answers for any value at all, and never throws', () => {
    const fields = [
      integer(0, 1),
      real(0, 1),
      bytes(4),
      bytesUpTo(4),
      line(4),
      list(integer(0, 1), 4),
      tokenIds(4),
      modelHashField,
      jobIdField,
      amountField,
      peerNameField,
      wireErrorSchema,
    ]
    fc.assert(
      fc.property(anything, (value) => {
        for (const field of fields) expect(typeof takes(field, value)).toBe('boolean')
      }),
    )
  })
})
