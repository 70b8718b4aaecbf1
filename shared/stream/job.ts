import type { JobId, PeerName } from '../base/ids.ts'
import type { Quote } from '../prompt/prompt.ts'
import type { Signed } from '../wire/signed.ts'
import type { Asked } from './question.ts'

/** One job at one provider: a whole answer, or the part of it after a failover. */
export interface Job extends Asked {
  readonly jobId: JobId
  readonly provider: PeerName
  readonly quote: Quote
  readonly quoteSigned: Signed
}
