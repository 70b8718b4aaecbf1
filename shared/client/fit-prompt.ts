import type { ChatMessage } from '../engine/tokenizer/chat-message.ts'
import type { ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import type { ReasoningTags } from '../engine/tokenizer/reasoning-marks.ts'
import type { Prompt } from '../prompt/prompt.ts'
import type { ModelChoice } from './model-choice.ts'

/** What an asker may want otherwise than the model's defaults. */
export type PromptChanges = Partial<Pick<Prompt, 'maxTokens' | 'sampler' | 'maxOutputPrice' | 'maxCost'>>

export interface FittedPrompt {
  readonly prompt: Prompt
  /** How many of the oldest turns (a question with its answer) the model does not see. */
  readonly droppedTurns: number
  /** How the answer marks its thought, for `splitReasoning`; undefined where the model does not think aloud. */
  readonly reasoning: ReasoningTags | undefined
}

/**
 * The prompt of a chat, in the model's tokens; the oldest turns go first where the chat leaves no room for the answer.
 *
 * @throws InfernetError `prompt.too-long` when the last question alone leaves none
 *
 * @example
 * const { prompt } = fitPrompt(choice, await library.tokenizer(choice.model), [{ role: 'user', content: 'Hello' }])
 */
export function fitPrompt(
  choice: Pick<ModelChoice, 'model' | 'answerTokens' | 'sampler'>,
  tokenizer: Pick<ChatTokenizer, 'fitChat' | 'eosTokens'>,
  messages: readonly ChatMessage[],
  changes: PromptChanges = {},
): FittedPrompt {
  const { maxTokens = choice.answerTokens } = changes
  const { tokens, droppedTurns, reasoning } = tokenizer.fitChat(messages, { reserve: maxTokens })
  const prompt: Prompt = {
    task: 'text-generation',
    model: choice.model,
    promptTokens: tokens,
    sampler: choice.sampler,
    maxOutputPrice: undefined,
    eosTokens: [...tokenizer.eosTokens],
    ...changes,
    maxTokens,
  }
  return { prompt, droppedTurns, reasoning }
}
