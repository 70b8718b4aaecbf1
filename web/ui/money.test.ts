import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  fiatHint,
  formatAtMost,
  formatMoney,
  formatMoneyNumber,
  formatMoved,
  plainMoney,
  shortAddress,
} from './money.ts'

const INF = { symbol: 'INF', decimals: 18 }
const USD = { symbol: 'tUSD', decimals: 6 }
const one = 10n ** 18n

it('writes an amount with its unit, exactly enough', () => {
  expect(
    [0n, one, (41_862n * one) / 100n, 12n * 10n ** 14n, one - 1n, 200_000_000_000n, 1n].map((each) =>
      formatMoney(each, INF),
    ),
  ).toEqual([
    '0 INF',
    '1.00 INF',
    '418.62 INF',
    '0.0012 INF',
    '0.99 INF',
    '0.0000002 INF',
    'under 0.000000001 INF',
  ])
  expect(formatMoney(1_234_567n, USD)).toBe('1.23 tUSD')
  expect(formatMoney(7n, { symbol: 'X', decimals: 0 })).toBe('7.00 X')
})

it('rounds up what will not be exceeded', () => {
  expect(
    [0n, one, one + 1n, 26_400_000_000_000n, 26_000_000_000_000n, 999n * 10n ** 15n].map((each) =>
      formatAtMost(each, INF),
    ),
  ).toEqual(['0 INF', '1.00 INF', '1.01 INF', '0.000027 INF', '0.000026 INF', '1.00 INF'])
})

it('writes very large and negative amounts whole', () => {
  expect(formatMoney(2n ** 96n - 1n, INF)).toBe('79,228,162,514.26 INF')
  expect(formatMoney(10n ** 36n, INF)).toBe('1,000,000,000,000,000,000.00 INF')
  expect(formatMoney(-(194n * one) / 10n, INF)).toBe('−19.40 INF')
  expect(formatMoved((194n * one) / 10n, INF)).toBe('+19.40 INF')
  expect(formatMoved(-4n * 10n ** 14n, INF)).toBe('−0.0004 INF')
  expect(formatMoved(0n, INF)).toBe('0 INF')
})

it('never shows more than there is, nor base units, nor an exponent', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 100n }),
      fc.integer({ min: 0, max: 24 }),
      (amount, decimals) => {
        const text = formatMoneyNumber(amount, { symbol: '', decimals })
        expect(text).toMatch(/^(under 0\.0{8}1|0|0\.\d{1,10}|[1-9][\d,]*\.\d\d)$/)
        if (text.startsWith('under')) return
        const [whole = '', part = ''] = text.replaceAll(',', '').split('.')
        const shown = BigInt(whole + part.padEnd(decimals, '0').slice(0, Math.max(decimals, 0)))
        expect(shown <= amount || decimals < part.length).toBe(true)
      },
    ),
  )
})

it('fills a field with what parses back to the same amount', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 96n }), (amount) => {
      const [whole = '', part = ''] = plainMoney(amount, INF).split('.')
      expect(BigInt(whole + part.padEnd(18, '0'))).toBe(amount)
    }),
  )
})

it('hints at money that people know, once somebody said what a unit is worth', () => {
  expect([41_862n, 4120n, 10n, -4120n].map((cents) => fiatHint((cents * one) / 100n, INF, 0.01))).toEqual([
    '$4.19',
    '41¢',
    'under 1¢',
    '41¢',
  ])
  expect(fiatHint(10n ** 9n * one, INF, 0.01)).toBe('$10,000,000')
  expect(fiatHint(one, INF, undefined)).toBeUndefined()
  expect(fiatHint(0n, INF, 1)).toBeUndefined()
})

it('shortens an address in the middle', () => {
  expect(shortAddress('0x9c4F11112222333344445555666677778888a17E')).toBe('0x9c4F…a17E')
})
