import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import type { HeldVoucher } from '#shared/settle/payee-ledger.ts'
import type { ClaimEntry, EarnedLine } from '../../wallet/acts.ts'
import { providedOf } from '../../wallet/provided-of.ts'
import type { PotOnChain } from '../../wallet/read-lines.ts'
import type { Shares } from '../../wallet/read-snapshot.ts'

/** A held voucher as the contract takes it. */
export const entryOf: (held: HeldVoucher) => ClaimEntry = toChainVoucher

/** The pots that vouchers are paid into, each once. */
export function potLinesOf(held: readonly HeldVoucher[]): readonly EarnedLine[] {
  const lines = held.map(({ voucher: { provider, model, relay } }) => ({
    ...{ provider, model: `0x${model}` as const, relay },
  }))
  return [...new Map(lines.map((line) => [potKey(line), line])).values()]
}

/** What a claim of `payable` brings its provider; the model's royalty is known by its pot. */
export function providedByClaim(
  { voucher }: ClaimEntry,
  payable: bigint,
  { shares, pots }: { shares: Shares; pots: readonly PotOnChain[] },
): bigint {
  const royaltyBps = pots.find((pot) => potKey(pot) === potKey(voucher))?.royaltyBps ?? 0
  return providedOf(payable, { ...shares, royaltyBps, hasRelay: BigInt(voucher.relay) !== 0n })
}

export function potKey({ provider, model, relay }: EarnedLine): string {
  return `${provider}/${model}/${relay}`.toLowerCase()
}
