import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_OUTPUT_TOKENS, MAX_PROMPT_TOKENS } from './constants.ts'
import { samplerSchema } from './messages.ts'
import type { Prompt } from './prompt.ts'

/**
 * Refuses a prompt that no provider could take, before anybody is asked: a provider that cannot read it only closes the
 * stream, and would be blamed for it.
 *
 * @throws InfernetError `prompt.too-long` or `prompt.bad-parameters`, naming the parameter
 */
function checkNumbers({ promptTokens, maxTokens, sampler }: Prompt): void {
  if (promptTokens.length > MAX_PROMPT_TOKENS)
    throw new InfernetError('prompt.too-long', { tokens: promptTokens.length, maxTokens: MAX_PROMPT_TOKENS })
  if (promptTokens.length === 0) throw badParameter('promptTokens')
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1 || maxTokens > MAX_OUTPUT_TOKENS)
    throw badParameter('maxTokens')
  const read = v.safeParse(samplerSchema, sampler)
  const at = read.issues?.[0]?.path?.[0]?.key
  if (!read.success) throw badParameter(typeof at === 'string' ? at : 'sampler')
}

/**
 * As {@link checkNumbers}, and the form that the answer must have: its code is loaded only for who asks for one.
 *
 * @throws InfernetError as {@link checkNumbers}, and `engine.bad-grammar`
 */
export async function checkPrompt(prompt: Prompt): Promise<void> {
  checkNumbers(prompt)
  const { grammar } = prompt.sampler
  if (!grammar) return
  const { compileGrammar } = await import('../engine/grammar/grammar.ts')
  compileGrammar(grammar)
}

function badParameter(parameter: string): InfernetError {
  return new InfernetError('prompt.bad-parameters', { parameter })
}
