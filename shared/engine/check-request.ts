import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_EMBED_TEXTS } from '../wire/limits.ts'
import type { EmbedRequest, GenerateRequest, ScoreRequest } from './engine.ts'
import { checkParams } from './sampler/params.ts'

export interface RequestBounds {
  readonly vocabSize: number
  readonly contextLength: number
}

/**
 * Refuses a request that the model cannot run. Every engine, the fake one included, refuses the same.
 *
 * @throws InfernetError `engine.bad-token`, `engine.context-full` (prompt and prior tokens leave no room for one more)
 *   or `prompt.bad-parameters`
 */
export function checkRequest(request: GenerateRequest, bounds: RequestBounds): void {
  const { promptTokens, priorTokens, maxTokens, sampler, seed } = request
  checkParams(sampler, seed, bounds.vocabSize)
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'maxTokens' })
  checkTokens(promptTokens, priorTokens, bounds)
}

/**
 * As {@link checkRequest}, for a text that is to be scored; its output has at least one token.
 *
 * @throws InfernetError as {@link checkRequest}
 */
export function checkScoreRequest(request: ScoreRequest, bounds: RequestBounds): void {
  const { promptTokens, priorTokens = [], outputTokens, sampler, seed } = request
  checkParams(sampler, seed, bounds.vocabSize)
  if (outputTokens.length === 0)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'outputTokens' })
  // What follows the last token is not asked for, so the text may fill the context to the brim.
  checkTokens(promptTokens, [...priorTokens, ...outputTokens], {
    ...bounds,
    contextLength: bounds.contextLength + 1,
  })
}

/**
 * As {@link checkRequest}, for texts that are to be turned into vectors.
 *
 * @throws InfernetError `engine.bad-token`, `engine.context-full` for a text that is too long, `prompt.bad-parameters`
 *   for no text, too many, or an empty one
 */
export function checkEmbedRequest(
  { texts }: EmbedRequest,
  { vocabSize, contextLength }: RequestBounds,
): void {
  const isFew = texts.length > 0 && texts.length <= MAX_EMBED_TEXTS
  if (!isFew || texts.some(({ length }) => length === 0))
    throw new InfernetError('prompt.bad-parameters', { parameter: 'texts' })
  for (const { length: tokens } of texts)
    if (tokens > contextLength) throw new InfernetError('engine.context-full', { tokens, contextLength })
  checkVocabulary(texts, vocabSize)
}

function checkTokens(
  promptTokens: readonly number[],
  answerTokens: readonly number[],
  { vocabSize, contextLength }: RequestBounds,
): void {
  if (promptTokens.length === 0)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'promptTokens' })
  const tokens = promptTokens.length + answerTokens.length
  if (tokens >= contextLength) throw new InfernetError('engine.context-full', { tokens, contextLength })
  checkVocabulary([promptTokens, answerTokens], vocabSize)
}

function checkVocabulary(lists: readonly (readonly number[])[], vocabSize: number): void {
  for (const list of lists)
    for (const token of list)
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize)
        throw new InfernetError('engine.bad-token', { token: Number(token), vocabSize })
}
