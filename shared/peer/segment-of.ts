import { millis } from '../base/units.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { RunningJob } from '../stream/run-job.ts'
import type { Segment } from './peer.ts'

/** How a job stands at its provider. */
export function segmentOf(
  { offer, quote, path }: Assignment,
  job: RunningJob,
  counted: Pick<Segment, 'from' | 'tokensPerSecond' | 'isUsageDisputed'>,
): Segment {
  return {
    provider: offer.provider,
    operator: quote.quote.payment?.operator,
    kind: offer.kind,
    backend: offer.backend,
    path,
    rttMs: millis(Math.min(quote.rttMs, job.rttMs ?? quote.rttMs)),
    price: quote.quote.price,
    tokens: job.received,
    signedTokens: job.signedTokens,
    chunks: job.chunks,
    due: job.due,
    paid: job.paid,
    ...counted,
  }
}
