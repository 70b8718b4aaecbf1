import type { Hash } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { WALLET_ANSWER_MS, WALLET_QUESTION_MS } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import type { SendAnswer, SendOptions } from './signer.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** Asks a wallet with a deadline: a person's, where it has to ask one, else a machine's. */
export async function asked<T>(
  clock: Clock,
  person: boolean,
  question: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const limit = person ? WALLET_ANSWER_MS : WALLET_QUESTION_MS
  const late = (): Error =>
    person
      ? new InfernetError('wallet.silent', { minutes: limit / MINUTE_MS })
      : new InfernetError('wallet.no-answer')
  try {
    return await withDeadline(clock, millis(limit), late, question, { signal })
  } catch (thrown) {
    throw explainFailure(thrown)
  }
}

/**
 * Gives a wallet something to send, and puts on record what comes of it, even after nobody waits any more. Only its
 * owner's no is certain: whatever else a wallet answers, it may have sent it.
 */
export async function answerOf(
  clock: Clock,
  record: TransactionRecord,
  { signal, note }: SendOptions,
  ask: (record: TransactionRecord) => Promise<TransactionRecord>,
): Promise<SendAnswer> {
  signal.throwIfAborted()
  await note(record)
  const keep = (known: TransactionRecord | undefined): Promise<void> => note(known).catch(() => undefined)
  const answered = ask(record).then(
    async (known): Promise<SendAnswer> => {
      const sent = { ...known, state: 'sent' } as const
      await keep(sent)
      return { record: sent, doubt: undefined }
    },
    async (thrown: unknown): Promise<SendAnswer> => {
      const failure = explainFailure(thrown)
      if (failure.code === 'wallet.rejected') {
        await keep(undefined)
        throw failure
      }
      const unknown = { ...record, state: 'unknown' } as const
      await keep(unknown)
      return { record: unknown, doubt: failure }
    },
  )
  const late = new InfernetError('wallet.silent', { minutes: WALLET_ANSWER_MS / MINUTE_MS })
  try {
    return await withDeadline(
      clock,
      millis(WALLET_ANSWER_MS),
      () => late,
      () => answered,
      { signal },
    )
  } catch (thrown) {
    if (thrown === late) return { record, doubt: late }
    throw explainFailure(thrown)
  }
}

export function isHash(value: unknown): value is Hash {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{64}$/.test(value)
}
