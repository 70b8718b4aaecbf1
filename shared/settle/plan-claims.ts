import { baseUnits, type BaseUnits, type EpochMillis, type Millis } from '../base/units.ts'
import { ClaimLimits } from './claim-limits.ts'
import type { ClaimOffer } from './claim-offer.ts'
import { CLAIM_MARGIN_DIVISOR, CLAIM_WORTH_FACTOR, MAX_CLAIM_BATCH } from './constants.ts'
import { unclaimedIn } from './payee-ledger.ts'

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
  /** The provider leaves: everything that brings more than it costs is claimed now. @default false */
  readonly isClosing?: boolean
  /** What each must pay whatever it costs, e.g. the least that a tip is taken of. @default 1 */
  readonly leastEach?: BaseUnits
  /** @default MAX_CLAIM_BATCH */
  readonly most?: number
}

export interface PlannedClaim {
  readonly offer: ClaimOffer
  /** What it pays behind those before it. */
  readonly pays: BaseUnits
}

/**
 * Why a voucher is not claimed now: its payer has nothing for it, a cap of the day is used up, or it is not worth
 * its gas yet, or there was no room.
 */
export type LeftOut = 'worthless' | 'over-cap' | 'waiting'

export interface ClaimPlan {
  /** What to claim now, in one transaction and in this order; empty when it is not worth it yet. */
  readonly claims: readonly PlannedClaim[]
  /** What they pay in all. */
  readonly worth: BaseUnits
  readonly leftOut: ReadonlyMap<ClaimOffer, LeftOut>
  /** When to look again at the latest: something must be claimed then. */
  readonly nextAt: EpochMillis | undefined
}

/**
 * Which vouchers to take to the chain now: all together when they bring twenty times the gas, one alone when its
 * payer's withdrawal or its session's grace is about to end, and never one that costs more than it brings.
 *
 * What counts is what the chain would pay, never what a voucher says: that number is free to write. Vouchers share
 * their payer's balance, their session's cap and the caps of a day, and each is worth what the ones before it leave.
 */
export function planClaims(offers: readonly ClaimOffer[], init: ClaimPlanInit): ClaimPlan {
  const { now, costs, most = MAX_CLAIM_BATCH } = init
  const ranked = inOrder(offers, init)
  const { claims, leftOut } = choose(ranked, init, most)
  const worth = claims.reduce((sum, { pays }) => sum + pays, 0n)
  const cost = costs.perBatch + costs.perVoucher * BigInt(claims.length)
  const factor = claims.some(({ offer }) => isUrgent(offer, init)) ? 1n : CLAIM_WORTH_FACTOR
  const isWorthIt = worth > 0n && worth >= factor * cost
  for (const { offer } of isWorthIt ? [] : claims) leftOut.set(offer, 'waiting')
  const nextAt = [...leftOut]
    .filter(([, why]) => why !== 'worthless')
    .map(([offer]) => dueAt(offer, init))
    .filter((at) => at > now && at < Infinity)
    .sort((a, b) => a - b)[0]
  return { claims: isWorthIt ? claims : [], worth: baseUnits(isWorthIt ? worth : 0n), leftOut, nextAt }
}

/** What must be claimed now or is lost. */
function isUrgent(offer: ClaimOffer, init: ClaimPlanInit): boolean {
  return (init.isClosing ?? false) || dueAt(offer, init) <= init.now
}

/** Below this a voucher is never claimed: it costs more than it brings. */
export function leastClaim({ costs, leastEach = baseUnits(1n) }: ClaimPlanInit): bigint {
  return costs.perVoucher >= leastEach ? costs.perVoucher + 1n : leastEach
}

/** Below this it is not claimed now. */
function leastOf(offer: ClaimOffer, init: ClaimPlanInit): bigint {
  const ripe = CLAIM_WORTH_FACTOR * init.costs.perVoucher
  const ever = leastClaim(init)
  return isUrgent(offer, init) || ripe < ever ? ever : ripe
}

/** Urgent ones, then those that are worth it, then the rest, which gets what those leave; the best first in each. */
function inOrder(offers: readonly ClaimOffer[], init: ClaimPlanInit): readonly ClaimOffer[] {
  const rankOf = (offer: ClaimOffer): number =>
    offer.pays < leastOf(offer, init) ? 2 : isUrgent(offer, init) ? 0 : 1
  return offers
    .map((offer) => ({ offer, rank: rankOf(offer) }))
    .sort((a, b) => a.rank - b.rank || byPays(a.offer, b.offer))
    .map(({ offer }) => offer)
}

function choose(
  offers: readonly ClaimOffer[],
  init: ClaimPlanInit,
  most: number,
): { claims: PlannedClaim[]; leftOut: Map<ClaimOffer, LeftOut> } {
  const limits = new ClaimLimits()
  const claims: PlannedClaim[] = []
  const leftOut = new Map<ClaimOffer, LeftOut>()
  for (const offer of offers) {
    const { pays, overDay = 0n } = limits.of(offer, unclaimedIn(offer.held))
    if (pays >= leastOf(offer, init) && claims.length < most) claims.push({ offer, pays: baseUnits(pays) })
    else if (overDay >= leastClaim(init)) leftOut.set(offer, 'over-cap')
    else leftOut.set(offer, pays < leastClaim(init) ? 'worthless' : 'waiting')
    limits.take(offer, pays) // also what waits: not all vouchers of a deposit can wait for the same money
  }
  return { claims, leftOut }
}

/** When a voucher is worth nothing any more: its payer may take the deposit, or its session's grace is over. */
export function worthlessAt(
  { held, withdrawAt = Infinity as EpochMillis }: Pick<ClaimOffer, 'held' | 'withdrawAt'>,
  graceMs: Millis,
): EpochMillis {
  const session = held.sessionExpiry === undefined ? Infinity : held.sessionExpiry + graceMs
  return Math.min(withdrawAt, session) as EpochMillis
}

/** From when on a voucher must be claimed: a quarter of the grace before it is worth nothing. */
function dueAt(
  offer: Pick<ClaimOffer, 'held' | 'withdrawAt'>,
  { graceMs }: Pick<ClaimPlanInit, 'graceMs'>,
): EpochMillis {
  return (worthlessAt(offer, graceMs) - Math.floor(graceMs / CLAIM_MARGIN_DIVISOR)) as EpochMillis
}

function byPays(a: ClaimOffer, b: ClaimOffer): number {
  return a.pays > b.pays ? -1 : a.pays < b.pays ? 1 : 0
}
