import { formatUntil, formatWhen } from './words.ts'

/** What the chain says of a withdrawal that was asked for, all in seconds. */
interface Withdrawal {
  /** When its grace ends. */
  readonly withdrawAt: number
  /** When it may be finished, as far as is known now. */
  readonly withdrawableAt: number
  readonly graceSeconds: number
}

/** When a withdrawal that was asked for may be finished, and what holds it up until then. */
export function withdrawalWords(
  { withdrawAt, withdrawableAt }: Withdrawal,
  { chainNow, now }: { readonly chainNow: number; readonly now: number },
): string {
  if (withdrawableAt <= chainNow) return 'The time for claims is over. Withdraw it when you like.'
  const when = `Yours ${formatUntil((withdrawableAt - chainNow) * 1000)}, ${formatWhen(withdrawableAt * 1000, now)}.`
  const meanwhile = 'Until then providers can claim, and you can’t ask questions with it.'
  // Whether a full day comes shows when it does: nothing in the future is promised.
  if (withdrawAt > chainNow)
    return `${when} ${meanwhile} It takes up to two days more where providers claim all that a day allows.`
  return `${when} Providers claimed all that a day allows, so they have one more day for the rest. ${meanwhile}`
}

/** How much of the wait is over, from 0 to 1. */
export function waitedPart(
  { withdrawAt, withdrawableAt, graceSeconds }: Withdrawal,
  chainNow: number,
): number {
  const askedAt = withdrawAt - graceSeconds
  return Math.min(1, Math.max(0, (chainNow - askedAt) / Math.max(1, withdrawableAt - askedAt)))
}
