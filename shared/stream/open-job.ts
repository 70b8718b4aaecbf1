import type { JobId } from '../base/ids.ts'
import type { OpenFrame } from './messages.ts'
import { decodeQuestion, type Question } from './question.ts'

/** A job as it was opened: the question read, and the bytes that the chain of chunks begins with. */
export interface OpenJob extends Question {
  readonly jobId: JobId
  readonly quoteId: JobId
  /** The exact bytes of the question. */
  readonly body: Uint8Array
  readonly credit: Uint8Array | undefined
}

/** @throws InfernetError `wire.malformed` */
export function readOpen({ jobId, quoteId, question, credit }: OpenFrame): OpenJob {
  return { ...decodeQuestion(question), jobId, quoteId, body: question, credit }
}
