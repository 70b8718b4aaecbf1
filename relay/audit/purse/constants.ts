import { parseUnits } from 'viem'
import { MINUTE_MS } from '#shared/base/units.ts'

const HOUR_MS = 60 * MINUTE_MS

/** What a page's own purse holds on a test chain. Deposits can be read by whoever is paid, so ours must look like others. */
const PAGE_DEPOSIT = '20'
/** Where money is real people put in round amounts of their own. */
const REAL_DEPOSITS = ['1', '2', '5'] as const

/** The amounts that a purse may hold, in base units of the asset. */
export function depositsOf(isTest: boolean, decimals: number): readonly bigint[] {
  return (isTest ? [PAGE_DEPOSIT] : REAL_DEPOSITS).map((amount) => parseUnits(amount, decimals))
}

/** The most that one answer or one check may come to, in whole units: as in a page. */
export const MAX_JOB_COST = '0.01'

/** The session of a page's purse lasts so long. */
export const SESSION_SECONDS = 24 * 3600
/** So long before its end nothing is begun any more. */
export const SESSION_MARGIN_MS = HOUR_MS

/** A purse is filled within this, at a moment that chance chooses: neither a probe nor a newcomer tells when. */
export const FILL_WITHIN_MS = 30 * MINUTE_MS

/** Purses in use at once. As each pays an operator once, an operator that asks a price is probed so often a day, at most. */
export const MAX_OPEN = 4
/** Purses whose money is not back yet: those that wait for the escrow's grace are counted as well. */
export const MAX_OUT = 16

/** How often it is looked which purses are over and which money can be fetched, on average. */
export const TEND_EVERY_MS = HOUR_MS

/** Gas for a purse's whole life: approve, deposit, ask for it back, withdraw, hand it back. Some 400,000. */
export const PURSE_GAS = 600_000n
