import type { Hex } from 'viem'
import { readRevert } from '#shared/chain/claim-refusal.ts'

/** Each refusal that a visitor can run into, as the end of "The contract refused: …". */
const WORDS: Readonly<Record<string, (args: readonly unknown[]) => string>> = {
  DepositsPaused: () => 'deposits are paused; withdrawing works',
  ZeroAmount: () => 'the amount is nothing',
  ShortTransfer: () => 'fewer units arrived than were sent',
  InDefault: ([, closesAt]) => `more was signed than was there, and that is settled ${from(closesAt)}`,
  NotInDefault: () => 'there is nothing to settle',
  TooEarly: ([earliest]) => `it is too early; it can be done ${from(earliest)}`,
  NothingToWithdraw: () => 'there is nothing to withdraw',
  WithdrawalPending: ([at]) => `a withdrawal was asked for already; it can be finished ${from(at)}`,
  NoWithdrawal: () => 'no withdrawal was asked for',
  InvalidKey: () => 'that key may not sign for this wallet',
  InvalidExpiry: () => 'the session would end in the past, or too far ahead',
  SessionShrinks: () => 'a session may spend more or last longer, never less; revoke it instead',
  SessionEnded: () => 'the session has ended already',
  EmptyBatch: () => 'there is no voucher to claim',
  WrongEpoch: () => 'a voucher is of a deposit that has been withdrawn',
  StaleVoucher: () => 'a voucher was claimed already',
  InvalidSignature: () => 'a voucher is not signed by its payer',
  SessionExpired: () => 'a voucher’s session has ended, and its grace too',
  NothingPayable: () => 'nothing of it can be paid now: a daily limit, a session or a deposit is used up',
  DefaultClosed: () => 'the payer’s default takes no more claims',
  NothingToSweep: () => 'there is nothing to pay out',
  NothingToCollect: () => 'there is nothing to pay out',
  WrongState: () => 'this wallet’s registration does not allow it',
  ZeroPeerKey: () => 'this tab has no name yet',
  TooManyPeerKeys: () => 'this wallet has named 16 browsers, and may name no more; stake from another wallet',
  BelowMinimum: () => 'the stake would be below the minimum',
  InsufficientStake: () => 'that is more than is staked',
  NothingUnbonding: () => 'nothing is unbonding',
  ERC20InsufficientBalance: () => 'the wallet has less than that',
  ERC20InsufficientAllowance: () => 'the wallet allowed less than that',
  ERC20InvalidReceiver: () => 'that address takes no payments',
  ERC2612ExpiredSignature: () => 'the permission ran out before it was used',
  ERC2612InvalidSigner: () => 'the permission was signed by another wallet',
  SafeERC20FailedOperation: () => 'the asset refused to move',
  // Older assets say it in a sentence of their own.
  Error: ([text]) => `it says “${oneLine(text)}”`,
  Panic: () => 'a check inside it failed',
}

/** A contract's refusal in words. Its own name, a plain identifier, where there are none for it. */
export function revertWords(data: Hex): string {
  const revert = readRevert(data)
  if (!revert) return 'it did not say why'
  return WORDS[revert.name]?.(revert.args) ?? revert.name
}

/** A stranger's words, in one line and bounded. */
function oneLine(text: unknown): string {
  return String(text)
    .slice(0, 400)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 100)
}

function from(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return 'later'
  return `from ${date.toLocaleString('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })} on`
}
