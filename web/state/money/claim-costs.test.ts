import { expect, it } from 'vitest'
import { claimCosts, claimFee, knowsGasWorth } from './claim-costs.ts'

const INF = 10n ** 18n
const GWEI = 10n ** 9n
const inf = { decimals: 18, usdHint: 0.01 }
const coin = { decimals: 6, usdHint: 1 }
const real = { isTest: false, nativeUsdHint: 2000 }

it('counts gas in the asset by what the network file says both are worth', () => {
  // 232,000 gas at 0.1 gwei of a coin of $2000 is $0.0464: 4.64 INF of a cent, or 0.0464 of a stablecoin.
  const init = { network: real, gasPrice: GWEI / 10n, least: undefined }
  expect(claimCosts({ ...init, asset: inf })).toEqual({
    perBatch: 4_640_000_000_000_000_000n,
    perVoucher: 960_000_000_000_000_000n,
  })
  expect(claimCosts({ ...init, asset: coin })).toEqual({ perBatch: 46_400n, perVoucher: 9_600n })
  expect(claimFee(2, GWEI)).toBe(328_000n * GWEI)
})

it('counts one for one where neither is worth anything', () => {
  const init = { network: { isTest: true }, gasPrice: GWEI, least: undefined }
  expect(claimCosts({ ...init, asset: inf })).toMatchObject({ perBatch: 232_000n * GWEI })
  expect(claimCosts({ ...init, asset: coin })).toMatchObject({ perBatch: 232n })
})

it('waits for one whole unit where nobody says what gas is worth, or for what the visitor says', () => {
  for (const network of [{ isTest: false }, { isTest: false, nativeUsdHint: 2000 }]) {
    const init = { network, asset: { ...inf, usdHint: undefined }, gasPrice: GWEI }
    expect(knowsGasWorth(init)).toBe(false)
    expect(claimCosts({ ...init, least: undefined })).toEqual({ perBatch: INF / 20n, perVoucher: 0n })
    expect(claimCosts({ ...init, least: 5n * INF })).toEqual({ perBatch: INF / 4n, perVoucher: 0n })
  }
})

it('never takes the visitor’s word for less than the gas', () => {
  const init = { network: { isTest: true }, asset: inf, gasPrice: GWEI }
  expect(claimCosts({ ...init, least: 0n }).perBatch).toBe(232_000n * GWEI)
  expect(claimCosts({ ...init, least: INF }).perBatch).toBe(INF / 20n)
})
