import { baseUnits } from '#shared/base/units.ts'
import { CLAIM_WORTH_FACTOR } from '#shared/settle/constants.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { ClaimCosts } from '#shared/settle/plan-claims.ts'
import { dollarsInAsset } from './energy.svelte.ts'

/**
 * Gas by `contracts/snapshots/gas.json`, for lines that were never claimed of: a claim takes 74,000 and its payout
 * 158,000, each voucher 48,000 more.
 */
const CLAIM_GAS = { perBatch: 232_000n, perVoucher: 48_000n } as const
/** Digits after the point of every chain's coin. */
const COIN_DECIMALS = 18

export interface ClaimCostsInit {
  readonly network: Pick<NetworkFile, 'isTest' | 'nativeUsdHint'>
  readonly asset: { readonly decimals: number; readonly usdHint: number | undefined }
  /** What a unit of gas costs, in the smallest unit of the coin. */
  readonly gasPrice: bigint
  /** What the visitor wants to wait for, in base units of the asset. @default what the gas asks for */
  readonly least: bigint | undefined
}

/** Gas for a claim of so many vouchers, in the smallest unit of the coin. */
export function claimFee(vouchers: number, gasPrice: bigint): bigint {
  return (CLAIM_GAS.perBatch + CLAIM_GAS.perVoucher * BigInt(vouchers)) * gasPrice
}

/**
 * What claims cost in the asset that they bring. Gas is paid in the coin, and what the one is worth in the other is
 * known only by the network file's hints; on a test chain, where both are worth nothing, one counts for one.
 *
 * Where nobody has said it, the visitor's least amount stands for twenty times the gas, as an operator's does for its
 * relay: one whole unit until the visitor says otherwise.
 */
export function claimCosts(init: ClaimCostsInit): ClaimCosts {
  const { gasPrice, asset, least } = init
  const perBatch = coinInAsset(CLAIM_GAS.perBatch * gasPrice, init)
  const perVoucher = coinInAsset(CLAIM_GAS.perVoucher * gasPrice, init)
  const wanted = least ?? (perBatch === undefined ? 10n ** BigInt(asset.decimals) : 0n)
  const asked = wanted / CLAIM_WORTH_FACTOR
  return {
    perBatch: baseUnits(perBatch !== undefined && perBatch > asked ? perBatch : asked),
    perVoucher: baseUnits(perVoucher ?? 0n),
  }
}

/** Whether claims can be weighed against their gas, without the visitor's word. */
export function knowsGasWorth({ network, asset }: Pick<ClaimCostsInit, 'network' | 'asset'>): boolean {
  return network.isTest || Boolean(network.nativeUsdHint && asset.usdHint)
}

function coinInAsset(amount: bigint, { network, asset }: ClaimCostsInit): bigint | undefined {
  const { decimals, usdHint } = asset
  if (network.isTest) return (amount * 10n ** BigInt(decimals)) / 10n ** BigInt(COIN_DECIMALS)
  if (!network.nativeUsdHint) return undefined
  const dollars = (Number(amount) / 10 ** COIN_DECIMALS) * network.nativeUsdHint
  return dollarsInAsset(dollars, decimals, usdHint)
}
