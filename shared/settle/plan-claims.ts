import { baseUnits, type BaseUnits, type EpochMillis, type Millis } from '../base/units.ts'
import { CLAIM_MARGIN_DIVISOR, CLAIM_WORTH_FACTOR, MAX_CLAIM_BATCH } from './constants.ts'
import { unclaimedIn, type HeldVoucher } from './payee-ledger.ts'

/** What a claim costs at the present gas price, in base units of the escrow's asset. */
export interface ClaimCosts {
  readonly perBatch: BaseUnits
  readonly perVoucher: BaseUnits
}

export interface ClaimPlanInit {
  readonly now: EpochMillis
  readonly costs: ClaimCosts
  /** The escrow's grace: vouchers of a session are good for so long after its end. */
  readonly graceMs: Millis
  /** When a payer may take its deposit away; undefined when it has not asked to. */
  readonly withdrawAtOf: (held: HeldVoucher) => EpochMillis | undefined
  /** The provider leaves: everything that brings more than it costs is claimed now. @default false */
  readonly isClosing?: boolean
}

export interface ClaimPlan {
  /** What to claim now, in one transaction; empty when it is not worth it yet. */
  readonly claims: readonly HeldVoucher[]
  readonly worth: BaseUnits
  /** When to look again at the latest: something must be claimed then. */
  readonly nextAt: EpochMillis | undefined
}

/**
 * Which vouchers to take to the chain now: all together when they bring twenty times the gas, one alone when its
 * payer's withdrawal or its session's grace is about to end, and never one that costs more than it brings.
 */
export function planClaims(held: readonly HeldVoucher[], init: ClaimPlanInit): ClaimPlan {
  const { now, costs, isClosing = false } = init
  const worthIt = held.filter((each) => unclaimedIn(each) > costs.perVoucher)
  const isUrgent = (each: HeldVoucher): boolean => isClosing || dueAt(each, init) <= now
  const urgent = worthIt.filter(isUrgent)
  const ripe = worthIt.filter(
    (each) => !isUrgent(each) && unclaimedIn(each) >= CLAIM_WORTH_FACTOR * costs.perVoucher,
  )
  const batch = [...urgent.sort(byWorth), ...ripe.sort(byWorth)].slice(0, MAX_CLAIM_BATCH)
  const worth = sumOf(batch)
  const cost = costs.perBatch + costs.perVoucher * BigInt(batch.length)
  const factor = urgent.length > 0 ? 1n : CLAIM_WORTH_FACTOR
  const isWorthIt = batch.length > 0 && worth > 0n && worth >= factor * cost
  const waiting = worthIt
    .filter((each) => !isWorthIt || !batch.includes(each))
    .map((each) => dueAt(each, init))
  const nextAt = waiting.filter((at) => at > now && at < Infinity).sort((a, b) => a - b)[0]
  return { claims: isWorthIt ? batch : [], worth: isWorthIt ? worth : baseUnits(0n), nextAt }
}

/** When a voucher is worth nothing any more: its payer may take the deposit, or its session's grace is over. */
export function worthlessAt(
  held: HeldVoucher,
  { graceMs, withdrawAtOf }: Pick<ClaimPlanInit, 'graceMs' | 'withdrawAtOf'>,
): EpochMillis {
  const withdrawal = withdrawAtOf(held) ?? Infinity
  const session = held.sessionExpiry === undefined ? Infinity : held.sessionExpiry + graceMs
  return Math.min(withdrawal, session) as EpochMillis
}

/** From when on a voucher must be claimed: a quarter of the grace before it is worth nothing. */
function dueAt(held: HeldVoucher, init: ClaimPlanInit): EpochMillis {
  return (worthlessAt(held, init) - Math.floor(init.graceMs / CLAIM_MARGIN_DIVISOR)) as EpochMillis
}

function sumOf(held: readonly HeldVoucher[]): BaseUnits {
  return baseUnits(held.reduce((sum, each) => sum + unclaimedIn(each), 0n))
}

function byWorth(a: HeldVoucher, b: HeldVoucher): number {
  const difference = unclaimedIn(b) - unclaimedIn(a)
  return difference > 0n ? 1 : difference < 0n ? -1 : 0
}
