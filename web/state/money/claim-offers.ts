import type { Address } from 'viem'
import { baseUnits } from '#shared/base/units.ts'
import type { ClaimNotes } from '#shared/settle/claim-notes.ts'
import { unclaimedIn, type PayeeLedger, type HeldVoucher } from '#shared/settle/payee-ledger.ts'
import { daysLeftOf, offerOf, type ClaimOffer, type DaysReader } from '#shared/settle/claim-offer.ts'
import { entryOf } from './claim-entries.ts'
import type { MoneyServices } from './money-services.ts'

/** Questions to the chain at once. */
const PARALLEL = 8
/** Vouchers that were claimed in full and are asked about again, at each look others. */
const MAX_CORRECTED = 16

export interface OffersInit {
  readonly escrow: Address
  readonly ledger: PayeeLedger
  readonly notes: ClaimNotes
}

/**
 * Takes back what was noted of claims that a fork has undone: some in turn, those before `turn` in earlier looks.
 *
 * @throws InfernetError `payment.*` when the chain does not answer
 */
export async function correctClaims(
  services: Pick<MoneyServices, 'claimed'>,
  ledger: PayeeLedger,
  turn: number,
): Promise<void> {
  const full = ledger.vouchers.filter((held) => unclaimedIn(held) === 0n)
  const groups = Math.ceil(full.length / MAX_CORRECTED)
  const from = groups > 0 ? (turn % groups) * MAX_CORRECTED : 0
  for (const { voucher, claimed } of full.slice(from, from + MAX_CORRECTED)) {
    const said = baseUnits(await services.claimed(voucher, { isFresh: true }))
    if (said < claimed) await ledger.correctClaimed(voucher, said)
  }
}

/**
 * What the chain says of each voucher now: what it would pay, and what it shares with others. One that somebody else
 * has claimed meanwhile is left out, and what was claimed of it is noted.
 *
 * @throws InfernetError `wallet.*`, `payment.*` when the chain does not answer
 */
export async function claimOffers(
  services: MoneyServices,
  { escrow, ledger, notes }: OffersInit,
  open: readonly HeldVoucher[],
): Promise<ReadonlyMap<ClaimOffer, HeldVoucher>> {
  const [first] = open
  const offers = new Map<ClaimOffer, HeldVoucher>()
  if (!first) return offers
  // All vouchers of a ledger are one provider's.
  const dailyLeft = await services.dailyLeft(escrow, first.voucher.provider)
  const days: DaysReader = {
    dailyLeft: async () => dailyLeft,
    payerDailyLeft: (payer) => services.payerDailyLeft(escrow, payer),
  }
  const claimable = await services.readClaimable(escrow, open.map(entryOf))
  for (let from = 0; from < open.length; from += PARALLEL)
    await Promise.all(
      open.slice(from, from + PARALLEL).map(async (held, i) => {
        const { voucher } = held
        const pays = baseUnits(claimable[from + i]?.payable ?? 0n)
        if (pays === 0n) {
          const claimed = baseUnits(await services.claimed(voucher, { isFresh: true }))
          if (claimed > held.claimed) {
            notes.note(held, 'refused')
            return ledger.noteClaimed(voucher, claimed)
          }
        }
        const account = await services.chain.account(voucher.payer)
        const offer = await offerOf(services.chain, held, account, pays)
        offers.set({ ...offer, ...(await daysLeftOf(days, held)) }, held)
      }),
    )
  return offers
}
