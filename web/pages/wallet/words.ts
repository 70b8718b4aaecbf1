import {
  movedAmount,
  type MoneyEntry,
  type MovedEntry,
  type MovedWhat,
} from '../../state/money/money-entries.ts'
import type { WalletAct } from '../../state/money/wallet-act.svelte.ts'
import type { Wallet } from '../../state/money/wallet.svelte.ts'
import { formatSpan } from '../../ui/format.ts'
import { fiatHint, formatMoney, formatMoved, type Unit } from '../../ui/money.ts'
import { failureOf } from '../words.ts'

type ActState = NonNullable<WalletAct['state']>

/** What is done, as a deed that is over and one under way. */
const DEEDS: Readonly<Record<MovedWhat, { readonly past: string; readonly doing: string }>> = {
  deposit: { past: 'Added to deposit', doing: 'Adding to the deposit' },
  session: { past: 'Session key allowed', doing: 'Allowing the session key' },
  revoke: { past: 'Session key revoked', doing: 'Revoking the session key' },
  request: { past: 'Withdrawal asked for', doing: 'Asking for the withdrawal' },
  'cancel-withdrawal': { past: 'Withdrawal taken back', doing: 'Taking the withdrawal back' },
  withdraw: { past: 'Deposit withdrawn', doing: 'Withdrawing the deposit' },
  settle: { past: 'Default settled', doing: 'Settling the default' },
  claim: { past: 'Claimed', doing: 'Claiming' },
  stake: { past: 'Staked', doing: 'Staking' },
  unbond: { past: 'Unbonding began', doing: 'Unbonding' },
  'cancel-unbond': { past: 'Unbonding taken back', doing: 'Putting it back to work' },
  'withdraw-stake': { past: 'Stake withdrawn', doing: 'Withdrawing the stake' },
  send: { past: 'Sent', doing: 'Sending' },
  faucet: { past: 'Test money received', doing: 'Getting test money' },
}

/** What a wallet is being asked for, where its window does not make that plain. */
const ASKED: Readonly<Record<string, string>> = {
  permit: 'a permission to take the amount, which costs nothing',
  allow: 'an allowance, so that the amount can be taken',
  deposit: 'the deposit',
  stake: 'the stake',
  sweep: 'paying it out',
  collect: 'fetching what is credited',
}

/** Where an act is, in words. */
export function actWords(
  what: MovedWhat,
  state: ActState,
  walletName: string,
  fee: Unit,
): { readonly title: string; readonly text: string } {
  const { past, doing } = DEEDS[what]
  switch (state.stage) {
    case 'checking':
      return { title: `${doing}.`, text: 'Trying it on the chain first. It is not sent yet.' }
    case 'asking': {
      const thing = state.of > 1 ? ASKED[state.what] : undefined
      const which = thing ? `${state.approval} of ${state.of} approvals: ${thing}. ` : ''
      return {
        title: `${walletName} is asking you.`,
        text: `${which}Answer there. This page sees on the chain what comes of it.`,
      }
    }
    case 'sending':
      return { title: `${doing}: on its way to a node.`, text: 'It is signed and saved.' }
    case 'unknown':
      return {
        title: `${doing}: we don’t know whether it was sent.`,
        text: `${failureOf(state.why).message} ${
          state.canSendAgain
            ? 'It may have been sent anyway. “Try again” sends the very same transaction, so it can’t pay twice.'
            : `${walletName} may have sent it anyway; this page is looking for it on the chain. Check your wallet before you send it again.`
        }`,
      }
    case 'sent':
      return {
        title: `${doing}: sent.`,
        text: 'Waiting for confirmation. You can close the page; it goes on.',
      }
    case 'stuck':
      return {
        title: `${doing}: not confirmed yet.`,
        text: state.canSpeedUp
          ? 'The fee may be too low for now. Send it again for more, or wait; only one of the two can count.'
          : 'The fee may be too low for now. Your wallet can send it again for more.',
      }
    case 'mined':
      return {
        title: `${past}.`,
        text:
          state.fee > 0n ? `Confirmed. The network fee was ${formatMoney(state.fee, fee)}.` : 'Confirmed.',
      }
  }
}

/** What stands between the visitor and doing the same again. */
export function undecidedWords(entry: MovedEntry, kind: 'tab' | 'injected'): string {
  const { doing } = DEEDS[entry.what]
  const amount = entry.amount < 0n ? -entry.amount : entry.amount
  const which = amount > 0n ? `${doing} (${formatMoney(amount, entry)})` : doing
  if (entry.state === 'signed')
    return `${which} is not decided yet: it may still come into a block. What you do now takes its number on the chain, so only one of the two can count.`
  if (kind === 'tab') return `${which} is not decided yet: it waits for a block. This would be a second one.`
  return `${which} is not decided yet: your wallet may have sent it. This may be a second one. Look into your wallet first.`
}

/** ", about 41¢", or nothing. */
export function about(amount: bigint, unit: Unit, usdHint: number | undefined): string {
  const hint = fiatHint(amount, unit, usdHint)
  if (hint === undefined) return ''
  return hint.startsWith('under') ? `, ${hint}` : `, about ${hint}`
}

const times = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const dates = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })
const DAY_MS = 24 * 3_600_000

/** 18:00 today, 18:00 tomorrow, Nov 29, 16:20 */
export function formatWhen(atMs: number, now: number): string {
  const time = times.format(atMs)
  if (isSameDay(atMs, now)) return `${time} today`
  if (isSameDay(atMs, now + DAY_MS)) return `${time} tomorrow`
  return `${dates.format(atMs)}, ${time}`
}

/** "in 6 days", "in 4 h 10 min" */
export function formatUntil(ms: number): string {
  if (ms <= 0) return 'now'
  return ms >= 2 * DAY_MS ? `in ${Math.round(ms / DAY_MS)} days` : `in ${formatSpan(ms)}`
}

/** A grace as people say it. */
export function formatGrace(seconds: number): string {
  const days = seconds / 86_400
  return days >= 2 ? `${Math.round(days)} days` : formatSpan(seconds * 1000)
}

/** The list under "Vouchers and receipts". */
export function entryRows(entries: readonly MoneyEntry[], wallet: Wallet) {
  return entries.map((entry) => {
    const common = { key: entry.id, when: whenShort(entry.at, wallet.now) }
    if (entry.kind === 'moved')
      return {
        ...common,
        peer: undefined,
        place: placeOf(entry.what),
        what: DEEDS[entry.what].past,
        link: linkOf(entry, wallet),
        tokens: 0,
        ...movedState(entry),
        amount: movedAmount(entry) === 0n ? '—' : formatMoved(entry.amount, entry),
        column: 'Moved',
      }
    const isPaid = entry.kind === 'paid'
    return {
      ...common,
      peer: entry.peer,
      place: '',
      what: isPaid ? `${entry.isCheck ? 'Check' : 'Answer'}, ${entry.modelName}` : 'Your GPU answered',
      link: undefined,
      tokens: entry.tokens.reduce((sum, tokens) => sum + tokens, 0),
      ...paymentState(entry),
      amount: formatMoved(isPaid ? -entry.paid : entry.paid, entry),
      column: isPaid ? 'Paid' : 'Earned',
    }
  })
}

function paymentState(entry: Extract<MoneyEntry, { receipt: string }>) {
  if (entry.kind === 'earned' && entry.paid < entry.due)
    return { kind: 'warn', state: 'last block unpaid' } as const
  if (entry.isClaimed) return { kind: 'ok', state: 'claimed' } as const
  if (entry.kind === 'earned') return { kind: 'ok', state: 'to claim' } as const
  if (entry.receipt === 'both') return { kind: 'check', state: 'signed by both' } as const
  return { kind: 'unknown', state: 'signed, not claimed' } as const
}

function movedState(entry: MovedEntry) {
  switch (entry.state) {
    case 'failed':
      return { kind: 'bad', state: 'failed' } as const
    case 'dropped':
      return { kind: 'bad', state: 'never took effect' } as const
    case 'partial':
      return { kind: 'warn', state: 'done in part' } as const
    case 'asked':
      return { kind: 'unknown', state: 'the wallet was asked' } as const
    case 'signed':
    case 'unknown':
      return { kind: 'unknown', state: 'unknown' } as const
    case 'sent':
      return { kind: 'unknown', state: 'sent, waiting' } as const
    case 'final':
      return { kind: 'ok', state: 'final' } as const
    case 'mined':
      return { kind: 'ok', state: 'confirmed' } as const
  }
}

function placeOf(what: MovedWhat): string {
  if (what === 'send') return 'Somebody'
  if (what === 'faucet') return 'Faucet'
  if (what === 'claim') return 'Payers'
  return ['stake', 'unbond', 'cancel-unbond', 'withdraw-stake'].includes(what) ? 'Stake' : 'Escrow'
}

function linkOf({ hash }: MovedEntry, { network }: Wallet): string | undefined {
  return hash && network?.explorerUrl ? `${network.explorerUrl.replace(/\/+$/, '')}/tx/${hash}` : undefined
}

function whenShort(at: number, now: number): string {
  return isSameDay(at, now) ? times.format(at) : dates.format(at)
}

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

/** After these, the wallet or another transaction may have moved money: the button must not sound harmless. */
const LOOK_FIRST: ReadonlySet<string> = new Set([
  'wallet.failed',
  'wallet.nowhere',
  'wallet.other-paid',
  'wallet.replaced',
  'wallet.silent',
  'wallet.waiting',
])

/** What the button says that begins an act again. */
export function againLabel(code: string): string {
  return LOOK_FIRST.has(code) ? 'Send it again' : 'Try again'
}
