import type { ChainAddress } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import type { ChainAccount, ChainSession, ChainView } from '#shared/settle/chain-view.ts'
import type { ClaimNotes } from '#shared/settle/claim-notes.ts'
import {
  daysLeftOf,
  offerOf,
  type ClaimOffer,
  type DaysLeft,
  type DaysReader,
} from '#shared/settle/claim-offer.ts'
import { unclaimedIn } from '#shared/settle/payee-ledger.ts'
import type { WatchedLine, ClaimWatch } from './claim-watch.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import type { EscrowClient } from '#shared/chain/escrow-client.ts'
import { forEachOf } from './for-each-of.ts'
import { CARRY_PARALLEL } from './limits.ts'

/** A line that the chain would pay something of, or may on another day. */
export interface WeighedLine extends WatchedLine {
  readonly offer: ClaimOffer
}

export interface ScalesComponents {
  readonly escrow: EscrowClient
  readonly view: ChainView
  readonly notes: ClaimNotes
  readonly watch: ClaimWatch
  readonly onVoid: () => void
}

export interface WeighInit {
  /** The newest block. */
  readonly block: bigint
  /** A voucher that adds less is not asked about. */
  readonly least: bigint
}

/** What the contract says of a voucher that can never be claimed any more. */
const VOID = new Set(['WrongEpoch', 'InvalidSignature', 'SessionExpired', 'DefaultClosed'])

/**
 * Asks the chain what it would pay of each line now. One of an epoch that has ended, or that it calls void, is dropped
 * when that is sure.
 *
 * @throws for a chain that does not answer
 */
export async function weighClaims(
  components: ScalesComponents,
  lines: readonly WatchedLine[],
  init: WeighInit,
): Promise<readonly WeighedLine[]> {
  const { notes, escrow, view } = components
  const weighed: WeighedLine[] = []
  // Lines share payers, sessions and providers: of each the chain is asked once a round.
  const once: OneRoundView = {
    account: memoizeAsync((payer: ChainAddress) => view.account(payer)),
    session: memoizeAsync((payer: ChainAddress, key: ChainAddress) => view.session(payer, key)),
  }
  const days: DaysReader = {
    dailyLeft: memoizeAsync((provider: ChainAddress) => escrow.dailyLeft(provider)),
    payerDailyLeft: memoizeAsync((payer: ChainAddress) => escrow.payerDailyLeft(payer)),
  }
  await forEachOf(lines, CARRY_PARALLEL, async (line) => {
    const found = await weigh({ ...components, view: once }, line, init)
    if (typeof found === 'string') return notes.note(line.held, found)
    weighed.push({ ...line, offer: { ...found, ...(await daysLeftOf(days, line.held)) } })
  })
  return weighed
}

interface OneRoundView {
  account(payer: ChainAddress): Promise<ChainAccount>
  session(payer: ChainAddress, key: ChainAddress): Promise<ChainSession>
}

function memoizeAsync<Of extends readonly ChainAddress[], T>(
  ask: (...of: Of) => Promise<T>,
): (...of: Of) => Promise<T> {
  const asked = new Map<string, Promise<T>>()
  return (...of) => {
    const key = of.join(' ')
    const answer = asked.get(key) ?? ask(...of)
    asked.set(key, answer)
    return answer
  }
}

async function weigh(
  { escrow, view, watch, onVoid }: Omit<ScalesComponents, 'view'> & { view: OneRoundView },
  line: WatchedLine,
  { block, least }: WeighInit,
): Promise<Omit<ClaimOffer, keyof DaysLeft> | 'void' | 'refused' | 'worthless'> {
  const { held } = line
  const { payer, epoch } = held.voucher
  const drop = async (): Promise<'void'> => {
    if (await watch.dropWhenSure(line, block)) onVoid()
    return 'void'
  }
  const account = await view.account(payer)
  if (account.epoch > epoch) return drop()
  // In doubt it is asked about until it is sure.
  if (unclaimedIn(held) < least && !watch.isDoubted(line)) return 'worthless'
  const said = await escrow.claimable(toChainVoucher(held))
  if (typeof said !== 'bigint' && VOID.has(said.name)) return drop()
  watch.trust(line)
  if (typeof said === 'bigint') return offerOf(view, line.held, account, baseUnits(said))
  // The day is used up, or the payer's money is.
  if (said.name === 'NothingPayable') return offerOf(view, line.held, account, baseUnits(0n))
  if (said.name === 'StaleVoucher') watch.watch(line, { isPaidOut: false })
  return 'refused'
}
