import type { FinishReason } from '../engine/engine.ts'
import type { Prompt } from '../prompt/prompt.ts'

/**
 * Whether an answer ended, by its provider's word, where no model ends one: with `stop` and neither an end token nor a stop
 * sequence at its end, or with `length` while there was room left. A form may end an answer at any token, and without the
 * tokenizer's end tokens nobody can tell: then it is false.
 *
 * @param tokens the whole answer, with what others wrote of it
 * @param contextLength what the provider offers to hold, prompt and answer together
 */
export function isEarlyStop(
  { promptTokens, maxTokens, eosTokens = [], sampler }: Prompt,
  tokens: readonly number[],
  { finish, contextLength }: { finish: FinishReason; contextLength: number },
): boolean {
  if (finish === 'length')
    return tokens.length < maxTokens && promptTokens.length + tokens.length < contextLength
  if (sampler.grammar || eosTokens.length === 0) return false
  const last = tokens.at(-1)
  if (last !== undefined && eosTokens.includes(last)) return false
  return !(sampler.stop ?? []).some((stop) => endsWith(tokens, stop))
}

function endsWith(tokens: readonly number[], end: readonly number[]): boolean {
  const from = tokens.length - end.length
  return from >= 0 && end.every((token, index) => tokens[from + index] === token)
}
