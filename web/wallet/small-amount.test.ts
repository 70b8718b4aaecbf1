import { expect, it } from 'vitest'
import { smallAmount } from './small-amount.ts'

it.each([
  [{ decimals: 18, usdHint: 0.01 }, 500n * 10n ** 18n],
  [{ decimals: 6, usdHint: 1 }, 5n * 10n ** 6n],
  [{ decimals: 6, usdHint: 3 }, 1_666_666n],
  [{ decimals: 18 }, 5n * 10n ** 18n],
  [{ decimals: 18, usdHint: 0 }, 5n * 10n ** 18n],
  [{ decimals: 18, usdHint: 1e-9 }, 5n * 10n ** 18n],
])('of %o a small amount is %s', (asset, small) => {
  expect(smallAmount(asset)).toBe(small)
})
