import type { BaseUnits, EpochMillis } from '../base/units.ts'
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
  /** When the payer may take its deposit away; undefined when it has not asked to. */
  readonly withdrawAt: EpochMillis | undefined
}
