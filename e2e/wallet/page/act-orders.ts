import type { Address, Hex } from 'viem'
import type { MovedWhat } from '../../../web/state/money/money-entries.ts'
import type { BindingOnChain } from '#shared/chain/bindings.ts'
import type { Act } from '../../../web/wallet/act.ts'
import {
  authorizeSession,
  cancelUnbond,
  cancelWithdrawal,
  claim,
  requestWithdrawal,
  revokeSession,
  setPeerKey,
  settleDefault,
  stakeMore,
  transfer,
  transferCoin,
  unbond,
  withdraw,
  withdrawStake,
  type Bind,
  type ClaimEntry,
} from '../../../web/wallet/acts.ts'
import { deposit } from '../../../web/wallet/deposit.ts'

export const INF = 10n ** 18n
export const MODEL: Hex = `0x${'ab'.repeat(32)}`
export const SOMEBODY: Address = '0x00000000000000000000000000000000000000aa'
export const NO_RELAY: Address = '0x0000000000000000000000000000000000000000'

/** Every act that the page knows. */
export type ActName =
  | 'send'
  | 'send-coin'
  | 'deposit'
  | 'session'
  | 'revoke'
  | 'request'
  | 'cancel-withdrawal'
  | 'withdraw'
  | 'settle'
  | 'claim'
  | 'stake'
  | 'stake-more'
  | 'unbond'
  | 'cancel-unbond'
  | 'withdraw-stake'
  | 'rename'

/** What a test wants done, in a form that a page can be given. */
export interface ActOrder {
  readonly name: ActName
  readonly entry: MovedWhat
  readonly escrow: Address
  readonly asset: Address
  readonly stake: Address
  readonly owner: Address
  readonly session: { readonly key: Address; readonly cap: bigint; readonly expiry: number }
  readonly voucher: ClaimEntry | undefined
}

const ACTS: Readonly<Record<ActName, (order: ActOrder) => Act>> = {
  send: ({ asset }) => transfer(asset, SOMEBODY, 30n * INF),
  'send-coin': () => transferCoin(SOMEBODY, 7n),
  deposit: ({ escrow, asset, session }) => deposit({ escrow, asset, amount: 20n * INF, session }),
  session: ({ escrow, session }) => authorizeSession(escrow, session),
  revoke: ({ escrow, session }) => revokeSession(escrow, session.key),
  request: ({ escrow }) => requestWithdrawal(escrow),
  'cancel-withdrawal': ({ escrow }) => cancelWithdrawal(escrow),
  withdraw: ({ escrow }) => withdraw(escrow),
  settle: ({ escrow, owner }) => settleDefault(escrow, owner),
  claim: ({ escrow, owner, voucher }) => {
    const pots = [{ provider: owner, model: MODEL, relay: NO_RELAY }]
    return claim({ escrow, vouchers: voucher ? [voucher] : [], pots, credit: undefined })
  },
  stake: ({ stake, asset }) => stakeMore({ stake, asset, amount: 150n * INF, bind: bindOf('01') }),
  'stake-more': ({ stake, asset }) => stakeMore({ stake, asset, amount: 10n * INF, bind: undefined }),
  unbond: ({ stake }) => unbond(stake, 20n * INF),
  'cancel-unbond': ({ stake }) => cancelUnbond(stake),
  'withdraw-stake': ({ stake }) => withdrawStake(stake),
  rename: ({ stake }) => setPeerKey(stake, bindOf('02')),
}

export function actOf(order: ActOrder): Act {
  return ACTS[order.name](order)
}

/** Of a key that nobody else has. Nobody signed it, which the contract does not look at. */
export function bindingOf(owner: Address, mark: string): BindingOnChain {
  const half: Hex = `0x${mark.repeat(32)}`
  return { peerKey: `0x${owner.slice(2).toLowerCase()}${mark.repeat(12)}`, r: half, s: half }
}

const bindOf =
  (mark: string): Bind =>
  async (operator) =>
    bindingOf(operator, mark)
