import { InfernetError } from '../errors/infernet-error.ts'
import type { GenerateRequest } from './engine.ts'
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
export function checkRequest(request: GenerateRequest, { vocabSize, contextLength }: RequestBounds): void {
  const { promptTokens, priorTokens, maxTokens, sampler, seed } = request
  checkParams(sampler, seed, vocabSize)
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'maxTokens' })
  if (promptTokens.length === 0)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'promptTokens' })
  const tokens = promptTokens.length + priorTokens.length
  if (tokens >= contextLength) throw new InfernetError('engine.context-full', { tokens, contextLength })
  for (const list of [promptTokens, priorTokens])
    for (const token of list)
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize)
        throw new InfernetError('engine.bad-token', { token: Number(token), vocabSize })
}
