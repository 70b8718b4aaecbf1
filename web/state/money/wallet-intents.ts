import { getAddress, isAddress, type Address } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
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
} from '../../wallet/acts.ts'
import { smallAmount } from '../../wallet/small-amount.ts'
import { deposit, type DepositInit, type SessionLimits } from '../../wallet/deposit.ts'
import type { EscrowOnChain, Snapshot } from '../../wallet/read-snapshot.ts'
import type { Earning } from './earning.svelte.ts'
import type { ActIntent } from './wallet-act.svelte.ts'
import type { Wallet } from './wallet.svelte.ts'

/** A tab that was left open overnight should not be able to spend. */
const SESSION_SECONDS = 24 * 3600

/** What the visitor can want of the chain, ready to be done. All throw InfernetError `wallet.*` where it cannot be built. */
interface Ready {
  readonly snapshot: Snapshot
  readonly escrow: EscrowOnChain
  readonly address: Address
}

function readyOf({ snapshot, escrow, signer }: Wallet): Ready {
  if (!snapshot || !escrow || !signer) throw new InfernetError('wallet.unreachable')
  if (snapshot.address !== signer.address) throw new InfernetError('wallet.other-account')
  return { snapshot, escrow, address: signer.address }
}

function intent(
  unit: { symbol: string; decimals: number },
  rest: Omit<ActIntent, 'symbol' | 'decimals'>,
): ActIntent {
  return { ...rest, symbol: unit.symbol, decimals: unit.decimals }
}

/**
 * The session that a deposit of this amount would leave: what is left of the present one, and the amount, up to a small one.
 * Its key lies in this browser without a lock, so it never may spend more than that; what is allowed already stays.
 */
async function sessionFor(wallet: Wallet, escrow: EscrowOnChain, amount: bigint): Promise<SessionLimits> {
  const { snapshot, address } = readyOf(wallet)
  const { services } = wallet
  if (!services) throw new InfernetError('wallet.unreachable')
  const scope = { chainId: services.network.chainId, escrow: escrow.escrow, payer: address }
  const now = snapshot.block.timestamp
  const present = escrow.session
  // One that has ended keeps its key to itself: what it signed may still be claimed for the grace.
  if (present && present.expiry <= now) await services.vault.forgetSession(scope)
  const { address: key } = await services.vault.sessionKey(scope)
  const known = present && present.expiry > now && present.key === key ? present : undefined
  // What is signed is spent, though the chain hears of it with a claim.
  const signed = escrow === wallet.escrow ? wallet.signed : 0n
  const spent = known ? smaller(known.cap, known.spent + signed) : 0n
  const left = known ? known.cap - spent : 0n
  return {
    key,
    cap: spent + smaller(left + amount, greater(left, smallAmount(escrow))),
    expiry: Math.max(known?.expiry ?? 0, now + SESSION_SECONDS),
  }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** A deposit, and whose it is: its session's key is that account's. */
export type OwnDeposit = DepositInit & { readonly account: Address }

/** @param escrow the one that is looked at, unless it is said */
export async function depositInit(
  wallet: Wallet,
  amount: bigint,
  withSession: boolean,
  escrow = readyOf(wallet).escrow,
): Promise<OwnDeposit> {
  const { address: account } = readyOf(wallet)
  const session = withSession ? await sessionFor(wallet, escrow, amount) : undefined
  return { escrow: escrow.escrow, asset: escrow.asset, amount, session, account }
}

export function depositIntent(wallet: Wallet, { account, ...init }: OwnDeposit): ActIntent {
  const unit = wallet.network?.escrows.find((each) => each.escrow === init.escrow)
  if (!unit) throw new InfernetError('wallet.unreachable')
  return intent(unit, { what: 'deposit', act: deposit(init), amount: -init.amount, account })
}

/** A session over what is free in the deposit, without adding to it. */
export async function sessionIntent(wallet: Wallet, escrow = readyOf(wallet).escrow): Promise<ActIntent> {
  const { address: account } = readyOf(wallet)
  const limits = await sessionFor(wallet, escrow, wallet.freeIn(escrow))
  const act = authorizeSession(escrow.escrow, limits)
  return intent(escrow, { what: 'session', act, amount: 0n, account })
}

export function revokeIntent(wallet: Wallet): ActIntent {
  const { escrow } = readyOf(wallet)
  if (!escrow.session) throw new InfernetError('wallet.failed')
  return intent(escrow, { what: 'revoke', act: revokeSession(escrow.escrow, escrow.session.key), amount: 0n })
}

export function withdrawalIntent(wallet: Wallet): ActIntent {
  const { escrow } = readyOf(wallet)
  return intent(escrow, { what: 'request', act: requestWithdrawal(escrow.escrow), amount: 0n })
}

export function cancelWithdrawalIntent(wallet: Wallet): ActIntent {
  const { escrow } = readyOf(wallet)
  return intent(escrow, { what: 'cancel-withdrawal', act: cancelWithdrawal(escrow.escrow), amount: 0n })
}

export function withdrawIntent(wallet: Wallet): ActIntent {
  const { escrow } = readyOf(wallet)
  return intent(escrow, {
    what: 'withdraw',
    act: withdraw(escrow.escrow),
    amount: escrow.deposit + escrow.bond,
  })
}

export function settleIntent(wallet: Wallet): ActIntent {
  const { escrow, address } = readyOf(wallet)
  return intent(escrow, { what: 'settle', act: settleDefault(escrow.escrow, address), amount: 0n })
}

export function claimIntent(wallet: Wallet, earning: Earning): ActIntent {
  const { escrow, address } = readyOf(wallet)
  const { vouchers, pots, toClaim } = earning
  const credit = escrow.credit > 0n ? address : undefined
  const act = claim({ escrow: escrow.escrow, vouchers, pots, credit })
  return intent(escrow, { what: 'claim', act, amount: toClaim })
}

/** INF is what is staked, whichever asset is looked at. */
function stakeUnit({ network }: Wallet): {
  symbol: string
  decimals: number
  asset: Address
  stake: Address
} {
  if (!network) throw new InfernetError('wallet.unreachable')
  const { token: asset, stake } = network.contracts
  const known = network.escrows.find((each) => each.asset.toLowerCase() === asset.toLowerCase())
  return { asset, stake, symbol: known?.symbol ?? 'INF', decimals: known?.decimals ?? 18 }
}

/** Stakes, registering this tab's name, signed by its key, where the wallet has none yet. */
export function stakeIntent(wallet: Wallet, amount: bigint): ActIntent {
  const unit = stakeUnit(wallet)
  const isNew = wallet.stake?.state === 'none'
  const act = stakeMore({ ...unit, amount, bind: isNew ? bindOf(wallet) : undefined })
  return intent(unit, { what: 'stake', act, amount: -amount })
}

/** Puts this tab's name, signed by its key, in the place of the registered one. */
export function renameIntent(wallet: Wallet): ActIntent {
  const unit = stakeUnit(wallet)
  return intent(unit, { what: 'stake', act: setPeerKey(unit.stake, bindOf(wallet)), amount: 0n })
}

function bindOf({ services }: Wallet): Bind {
  if (!services) throw new InfernetError('wallet.unreachable')
  return (operator) => services.bind(operator)
}

export function unbondIntent(wallet: Wallet, amount: bigint): ActIntent {
  const unit = stakeUnit(wallet)
  return intent(unit, { what: 'unbond', act: unbond(unit.stake, amount), amount: 0n })
}

export function cancelUnbondIntent(wallet: Wallet): ActIntent {
  const unit = stakeUnit(wallet)
  return intent(unit, { what: 'cancel-unbond', act: cancelUnbond(unit.stake), amount: 0n })
}

export function withdrawStakeIntent(wallet: Wallet): ActIntent {
  const unit = stakeUnit(wallet)
  const amount = wallet.stake?.unbonding ?? 0n
  return intent(unit, { what: 'withdraw-stake', act: withdrawStake(unit.stake), amount })
}

/** Sends the chosen asset, or the coin that pays for gas. */
export function sendIntent(wallet: Wallet, to: Address, amount: bigint, isCoin: boolean): ActIntent {
  const { escrow } = readyOf(wallet)
  const coin = { symbol: wallet.network?.nativeSymbol ?? '', decimals: 18 }
  const act = isCoin ? transferCoin(to, amount) : transfer(escrow.asset, to, amount)
  return intent(isCoin ? coin : escrow, { what: 'send', act, amount: -amount })
}

/**
 * An address as people paste one. One with letters in both cases carries a checksum, which must be right; so a
 * mistyped address is told rather than paid.
 */
export function parseAddress(text: string): Address | undefined {
  const plain = text.trim()
  if (!/^0x[0-9a-fA-F]{40}$/.test(plain)) return undefined
  const isMixed = /[a-f]/.test(plain.slice(2)) && /[A-F]/.test(plain.slice(2))
  return isAddress(plain, { strict: isMixed }) ? getAddress(plain) : undefined
}
