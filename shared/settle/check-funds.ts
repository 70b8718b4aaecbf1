import type { ChainAddress } from '../base/ids.ts'
import { baseUnits, type BaseUnits, type EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ChainView, ReadOptions } from './chain-view.ts'

/** What a payer's key may sign for now. */
export interface Funds {
  readonly epoch: number
  /** The most that may stand unclaimed: what the deposit holds, and what the session has left. */
  readonly room: BaseUnits
  /** What the deposit holds. */
  readonly balance: BaseUnits
  /** Which of the two is the smaller. */
  readonly limitedBy: 'payment.no-deposit' | 'payment.session-spent'
  /** When vouchers of this key are taken no more; undefined for the payer's own key. */
  readonly sessionExpiry: EpochMillis | undefined
}

/**
 * Reads deposit and session, and refuses what may not pay. Both sides ask this: the payer so that it signs nothing it
 * cannot stand for, the payee before it works.
 *
 * @throws InfernetError `payment.no-deposit`, `payment.withdrawal-pending`, `payment.no-session`,
 * `payment.expired-session`, `payment.session-spent`, or what the chain throws.
 */
export async function checkFunds(
  chain: ChainView,
  { payer, signer, now }: { payer: ChainAddress; signer: ChainAddress; now: EpochMillis },
  options: ReadOptions = {},
): Promise<Funds> {
  const [account, session] = await Promise.all([
    chain.account(payer, options),
    signer === payer ? undefined : chain.session(payer, signer, options),
  ])
  if (account.withdrawAt !== undefined) throw new InfernetError('payment.withdrawal-pending')
  if (account.balance === 0n) throw new InfernetError('payment.no-deposit')
  const { balance, epoch } = account
  if (!session)
    return { epoch, room: balance, balance, limitedBy: 'payment.no-deposit', sessionExpiry: undefined }
  if (session.cap === 0n) throw new InfernetError('payment.no-session')
  if (session.expiry <= now) throw new InfernetError('payment.expired-session')
  const left = session.cap - session.spent
  if (left <= 0n) throw new InfernetError('payment.session-spent')
  const common = { epoch, balance, sessionExpiry: session.expiry }
  return left < balance
    ? { ...common, room: baseUnits(left), limitedBy: 'payment.session-spent' }
    : { ...common, room: balance, limitedBy: 'payment.no-deposit' }
}
