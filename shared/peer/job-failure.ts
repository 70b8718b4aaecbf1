import type { PeerName } from '../base/ids.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { isPaid, type OutgoingCredit } from '../stream/credit.ts'
import type { EmbedQuestion } from '../stream/embed-question.ts'
import { creditTermsOf } from '../stream/job-terms.ts'
import type { Question } from '../stream/question.ts'
import type { RunningJob } from '../stream/run-job.ts'
import type { JobId } from '../base/ids.ts'
import type { Quote } from '../prompt/prompt.ts'
import type { Payer } from './payer.ts'

/**
 * What pays for a job; undefined for one that costs nothing, or where nobody pays.
 *
 * @throws OwnFailure when our purse does not open: no other provider would change that.
 */
export async function openCredit(
  question: Question | EmbedQuestion,
  { jobId, quote }: { jobId: JobId; quote: Quote },
  { payer, name, signal }: { payer: Payer | undefined; name: PeerName; signal: AbortSignal | undefined },
): Promise<OutgoingCredit | undefined> {
  if (!payer || !isPaid(quote)) return undefined
  const terms = creditTermsOf(question, { jobId, quote, consumer: name })
  return payer.open(terms, { signal }).catch((thrown: unknown) => {
    throw new OwnFailure(InfernetError.from(thrown, 'payment.no-record'))
  })
}

const LEFT_FOR: ReadonlySet<ErrorCode> = new Set(['stream.silent', 'stream.flooded'])

/**
 * Who is silent may have changed its address: the connection leads nowhere then and stands for long, and the next attempt
 * would wait for it. Who floods goes on with that on another stream. A socket may be our only one to a relay, see
 * `openStream`.
 */
export function leaveSilent({ connection, path }: Assignment, reason: InfernetError): void {
  if (LEFT_FOR.has(reason.code) && path !== 'websocket') connection.abort(reason)
}

/** Why a job is given up that has not begun for so long, in ms. */
export function stalledFor(ms: number): InfernetError {
  return new InfernetError('stream.stalled', { stalledMs: Math.round(ms) })
}

/** Whether a failure ends everything: a stop, or one of ours, which no other provider would change. */
export function isFinal(
  thrown: unknown,
  job: RunningJob | undefined,
  signal: AbortSignal | undefined,
): boolean {
  return (signal?.aborted ?? false) || thrown instanceof OwnFailure || job?.paymentFailure !== undefined
}

/** A failure of ours, as against one of a provider: it ends the answer. */
export class OwnFailure extends Error {
  readonly reason: InfernetError

  constructor(reason: InfernetError) {
    super(reason.message, { cause: reason })
    this.reason = reason
  }
}
