import type { ChainAddress } from '../base/ids.ts'
import type { BaseUnits, EpochMillis } from '../base/units.ts'
import type { PaymentLine } from './voucher.ts'

/** A payer's deposit on the chain. */
export interface ChainAccount {
  /** What vouchers are paid from. */
  readonly balance: BaseUnits
  /** What answers for vouchers beyond the balance. */
  readonly bond: BaseUnits
  readonly epoch: number
  /** When a requested withdrawal may be done; undefined for none. */
  readonly withdrawAt: EpochMillis | undefined
}

/** What a payer allows one key to sign for. */
export interface ChainSession {
  readonly cap: BaseUnits
  readonly spent: BaseUnits
  /** From then on nobody takes its vouchers; they can be claimed for the escrow's grace after that. */
  readonly expiry: EpochMillis
}

/** A provider's standing. */
export interface ChainOperator {
  /** Staked enough, not jailed, not retired. */
  readonly isActive: boolean
  /** The raw Ed25519 key it registered, 64 hex digits; undefined for none. */
  readonly peerKey: string | undefined
}

export interface ReadOptions {
  /** Asks the chain even when a recent answer is at hand. */
  readonly isFresh?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * What is read of the chain: one escrow and its stake contract. Every call has a deadline.
 *
 * All throw InfernetError `payment.chain-unreachable`, or `payment.wrong-chain` when another chain answers.
 */
export interface ChainView {
  account(payer: ChainAddress, options?: ReadOptions): Promise<ChainAccount>
  session(payer: ChainAddress, key: ChainAddress, options?: ReadOptions): Promise<ChainSession>
  /** What was claimed of a line so far. */
  claimed(line: PaymentLine, options?: ReadOptions): Promise<BaseUnits>
  operator(operator: ChainAddress, options?: ReadOptions): Promise<ChainOperator>
}
