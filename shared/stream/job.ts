import type { JobId, ModelHash, PeerName } from '../base/ids.ts'
import { ENCODING } from '../models/task.ts'
import type { Quote } from '../prompt/prompt.ts'
import type { Signed } from '../wire/signed.ts'
import type { EmbedQuestion } from './embed-question.ts'
import type { Asked } from './question.ts'

interface AtProvider {
  readonly jobId: JobId
  readonly provider: PeerName
  readonly quote: Quote
  readonly quoteSigned: Signed
}

/** One job at one provider: a whole answer, or the part of it after a failover. */
export interface Job extends Asked, AtProvider {}

/** Texts that are to be turned into vectors at one provider; after a failover, those that are left. */
export interface EmbedJob extends AtProvider {
  readonly model: ModelHash
  readonly texts: readonly (readonly number[])[]
  readonly dimensions: number
  readonly salt: Uint8Array
}

export function isEmbedJob(job: Job | EmbedJob): job is EmbedJob {
  return 'texts' in job
}

/** The question of a job of vectors. */
export function embedQuestionOf({ model, texts, dimensions, salt }: EmbedJob): EmbedQuestion {
  return { task: ENCODING, model, texts, dimensions, salt }
}
