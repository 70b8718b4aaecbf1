import * as v from 'valibot'
import type { JobId } from '../base/ids.ts'
import { decode } from '../wire/codec.ts'
import { embedQuestionSchema, type EmbedQuestion } from './embed-question.ts'
import type { OpenFrame } from './messages.ts'
import { questionSchema, type Question } from './question.ts'

interface Opened {
  readonly jobId: JobId
  readonly quoteId: JobId
  /** The exact bytes of the question. */
  readonly body: Uint8Array
  readonly credit: Uint8Array | undefined
  /** The consumer takes chunks that commit to sketches. */
  readonly wantsSketches: boolean
}

/** A job that writes. */
export type OpenAnswer = Question & Opened
/** A job that turns texts into vectors. */
export type OpenEmbedding = EmbedQuestion & Opened

/** A job as it was opened: the question read, and the bytes that the chain of chunks begins with. */
export type OpenJob = OpenAnswer | OpenEmbedding

const anyQuestionSchema = v.variant('task', [questionSchema, embedQuestionSchema])

/** The question of a job of any task. @throws InfernetError `wire.malformed` */
function decodeAnyQuestion(body: Uint8Array): Question | EmbedQuestion {
  return decode(anyQuestionSchema, body)
}

/** @throws InfernetError `wire.malformed` */
export function readOpen({ jobId, quoteId, question, credit, optional }: OpenFrame): OpenJob {
  const wantsSketches = optional?.sketches ?? false
  return { ...decodeAnyQuestion(question), jobId, quoteId, body: question, credit, wantsSketches }
}
