import type { ModelHash } from '../../base/ids.ts'
import type { EngineInfo, ScoreRequest } from '../../engine/engine.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Quote } from '../../prompt/prompt.ts'
import {
  decodeTranscripts,
  encodeTranscripts,
  seedOf,
  verifyTranscript,
  type Proven,
  type Transcript,
} from '../../stream/transcript.ts'
import type { Question } from '../../stream/question.ts'
import type { Tokens } from '../../base/units.ts'
import { tokensRead } from './check-terms.ts'

/** An answer that can be checked: what was asked, what was written, and the seed that it was drawn with. */
export interface CheckCase {
  /** Of one job, without its payment. */
  readonly transcript: Transcript
  /** The same as whoever asks holds it: its provider opens sketches for that alone (`openingKey`). */
  readonly held: Transcript
  readonly proven: Proven
  readonly question: Question
  readonly quote: Quote
  readonly seed: Uint8Array
  readonly model: ModelHash
  /** Tokens that a check reads. */
  readonly read: Tokens
}

/**
 * What of a transcript is shown to a verifier: all that decides what an honest provider writes, and nothing of what was
 * paid for it.
 *
 * @internal Tests ask without the rest of what asks.
 */
export function shownToVerifier(transcript: Transcript): Transcript {
  const { quote, question, accepted } = transcript.shown
  const none = new Uint8Array()
  return {
    ...transcript,
    shown: { ...(quote && { quote }), ...(question && { question }), ...(accepted && { accepted }) },
    receipt: { consumer: none, provider: none },
  }
}

/**
 * Verifies a transcript and takes what a check needs from it.
 *
 * @throws InfernetError `verify.bad-request` with the reason: what {@link verifyTranscript} names; `kept back` for a part
 * that is not shown; `empty` for an answer without a token
 */
export async function openCase(given: Transcript): Promise<CheckCase> {
  const transcript = shownToVerifier(given)
  const proven = await verifyTranscript(transcript).catch((thrown: unknown) => {
    throw badRequest(reasonOf(thrown), thrown)
  })
  const { question, quote } = proven
  const seed = seedOf(proven)
  if (!question || !quote || !seed) throw badRequest('kept back')
  if (proven.tokens.length === 0) throw badRequest('empty')
  return {
    transcript,
    held: given,
    proven,
    question,
    quote,
    seed,
    model: question.model,
    read: tokensRead(question, proven.tokens.length),
  }
}

/** The transcript of a case as it travels. */
export function encodeCase({ transcript }: CheckCase): Uint8Array<ArrayBuffer> {
  return encodeTranscripts([transcript])
}

/** @throws InfernetError `verify.bad-request`: as {@link openCase}, or `form` for a file that is not of one job */
export async function decodeCase(file: Uint8Array): Promise<CheckCase> {
  return openCase(readOne(file))
}

/** What an engine is asked, to check a case. */
export function scoreRequestOf({ question, proven, seed }: CheckCase): ScoreRequest {
  const { promptTokens, priorTokens, sampler } = question
  return { promptTokens, priorTokens, outputTokens: proven.tokens, sampler, seed, client: CHECKS }
}

/**
 * What an engine would refuse is refused here, before a place is taken.
 *
 * @throws InfernetError `engine.other-task`, `engine.bad-token`, `engine.context-full`
 */
export function checkFits({ question, proven, read }: CheckCase, info: EngineInfo): void {
  const { vocabSize, contextLength, task } = info
  if (question.task !== task) throw new InfernetError('engine.other-task', { task: question.task })
  for (const token of [...question.promptTokens, ...question.priorTokens, ...proven.tokens])
    if (token >= vocabSize) throw new InfernetError('engine.bad-token', { token, vocabSize })
  if (read >= contextLength) throw new InfernetError('engine.context-full', { tokens: read, contextLength })
}

/** All checks count as one asker: they come after those who ask for answers. */
const CHECKS = 'checks'

function readOne(file: Uint8Array): Transcript {
  const jobs = readForm(file)
  const [transcript] = jobs
  if (!transcript || jobs.length > 1) throw badRequest('form')
  return transcript
}

function readForm(file: Uint8Array): readonly Transcript[] {
  try {
    return decodeTranscripts(file)
  } catch (thrown) {
    throw badRequest('form', thrown)
  }
}

function reasonOf(thrown: unknown): string {
  const { reason } = InfernetError.from(thrown).facts
  return typeof reason === 'string' ? reason : 'form'
}

function badRequest(reason: string, cause?: unknown): InfernetError {
  return new InfernetError('verify.bad-request', { reason }, { cause })
}
