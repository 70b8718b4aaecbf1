import type { ChainAddress } from '../base/ids.ts'
import { baseUnits, type BaseUnits, type EpochMillis } from '../base/units.ts'
import type { ChainAccount, ChainView } from './chain-view.ts'
import { MAX_CHAIN_AMOUNT } from './constants.ts'
import type { HeldVoucher } from './payee-ledger.ts'

/** A voucher, and what the chain says of it now; all amounts in base units of the escrow's asset. */
export interface ClaimOffer {
  readonly held: HeldVoucher
  /** What a claim of it alone would pay. What counts against the payer's bond instead is nothing here. */
  readonly pays: BaseUnits
  /** What the payer's balance holds, for all its vouchers together. */
  readonly balance: BaseUnits
  /** What the session may still spend, over all its vouchers; undefined for the payer's own key. */
  readonly sessionLeft: BaseUnits | undefined
  /** What the provider may still claim on this day of UTC, over all its vouchers. */
  readonly dailyLeft: BaseUnits
  /**
   * What the payer may still pay on this day of UTC to all providers without stake together; undefined where the
   * provider has stake.
   */
  readonly payerDailyLeft: BaseUnits | undefined
  /** When the payer may take its deposit away; undefined when it has not asked to. */
  readonly withdrawAt: EpochMillis | undefined
}

/** What is left of the caps of this day of UTC. */
export type DaysLeft = Pick<ClaimOffer, 'dailyLeft' | 'payerDailyLeft'>

/** Reads what is left of a day's caps. */
export interface DaysReader {
  dailyLeft(provider: ChainAddress): Promise<bigint>
  payerDailyLeft(payer: ChainAddress): Promise<bigint>
}

/** What is left of the caps of this day for a voucher; with stake there are none. @throws what the reader does */
export async function daysLeftOf(reader: DaysReader, { voucher }: HeldVoucher): Promise<DaysLeft> {
  const left = await reader.dailyLeft(voucher.provider)
  const isBound = left < MAX_CHAIN_AMOUNT
  const payerDailyLeft = isBound ? baseUnits(await reader.payerDailyLeft(voucher.payer)) : undefined
  return { dailyLeft: baseUnits(left), payerDailyLeft }
}

/**
 * What the chain says of a voucher, but for the caps of the day, put together.
 *
 * @param pays what a claim of it alone would pay, in base units
 * @throws InfernetError `payment.*` when the chain does not answer for the session
 */
export async function offerOf(
  view: Pick<ChainView, 'session'>,
  held: HeldVoucher,
  { balance, withdrawAt }: Pick<ChainAccount, 'balance' | 'withdrawAt'>,
  pays: BaseUnits,
): Promise<Omit<ClaimOffer, keyof DaysLeft>> {
  const { payer } = held.voucher
  if (held.signer === payer) return { held, pays, balance, sessionLeft: undefined, withdrawAt }
  // A session that was revoked ends earlier than it said when the voucher came.
  const { cap, spent, expiry } = await view.session(payer, held.signer)
  const sessionLeft = baseUnits(cap > spent ? cap - spent : 0n)
  return { held: { ...held, sessionExpiry: expiry }, pays, balance, sessionLeft, withdrawAt }
}
