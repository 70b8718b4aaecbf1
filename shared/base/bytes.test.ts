import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { amountFromBytes, amountToBytes, concatBytes, equalBytes, fromHex, toHex, utf8 } from './bytes.ts'

const bytes = fc.uint8Array({ maxLength: 80 })

describe('hex', () => {
  it('comes back as it went, lower case, two digits a byte', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = toHex(value)
        expect(text).toMatch(/^([0-9a-f]{2})*$/)
        expect(fromHex(text)).toEqual(value)
        expect(fromHex(text.toUpperCase())).toEqual(value)
      }),
    )
  })

  it.each(['0', 'abc', 'zz', '0x00', ' 00', '00\n', '-1', '１２'])('refuses %j', (text) => {
    expect(() => fromHex(text)).toThrow(RangeError)
  })
})

describe('equalBytes', () => {
  it('is true for the same content only', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, Uint8Array.from(a))).toBe(true)
        expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b))
      }),
    )
  })

  it('sees a single flipped bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (a, where) => {
        const b = Uint8Array.from(a)
        const at = Math.floor(where / 8) % b.length
        b[at] = (b[at] ?? 0) ^ (1 << (where % 8))
        expect(equalBytes(a, b)).toBe(false)
      }),
    )
  })
})

describe('concatBytes', () => {
  it('joins in order and leaves its parts alone', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), (parts) => {
        const joined = concatBytes(...parts)
        expect(toHex(joined)).toBe(parts.map(toHex).join(''))
        joined.fill(0)
        expect(concatBytes(...parts)).not.toBe(joined)
      }),
    )
  })
})

describe('an amount in bytes', () => {
  it('has one encoding, big-endian and without leading zeros', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (amount) => {
        const encoded = amountToBytes(amount)
        expect(encoded[0]).not.toBe(0)
        expect(encoded.length).toBeLessThanOrEqual(16)
        expect(amountFromBytes(encoded)).toBe(amount)
      }),
    )
  })

  it('is empty for zero, and never longer than it must be', () => {
    expect(amountToBytes(0n)).toEqual(new Uint8Array())
    expect(amountToBytes(255n)).toEqual(Uint8Array.from([255]))
    expect(amountToBytes(256n)).toEqual(Uint8Array.from([1, 0]))
  })

  it('refuses what is negative, and a second encoding', () => {
    expect(() => amountToBytes(-1n)).toThrow(RangeError)
    expect(() => amountFromBytes(Uint8Array.from([0]))).toThrow(RangeError)
    expect(() => amountFromBytes(Uint8Array.from([0, 1]))).toThrow(RangeError)
  })
})

describe('utf8', () => {
  it('gives the bytes of a text', () => {
    expect(toHex(utf8('aé€😀'))).toBe('61c3a9e282acf09f9880')
  })
})
