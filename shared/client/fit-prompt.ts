import type { ChatMessage } from '../engine/tokenizer/chat-message.ts'
import type { ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import type { ReasoningTags } from '../engine/tokenizer/reasoning-marks.ts'
import { hasCode } from '../errors/infernet-error.ts'
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

export interface FitOptions {
  /** How long a text those who provide the model take, where that is less than the model could hold. */
  readonly contextLength?: number | undefined
}

/** What is left for the answer to a question that takes nearly all there is. */
const SHORT_ANSWER_TOKENS = 512

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
  tokenizer: Pick<ChatTokenizer, 'fitChat' | 'eosTokens' | 'contextLength'>,
  messages: readonly ChatMessage[],
  changes: PromptChanges = {},
  { contextLength = tokenizer.contextLength }: FitOptions = {},
): FittedPrompt {
  const limit = Math.min(contextLength, tokenizer.contextLength)
  const { maxTokens: wanted = Math.min(choice.answerTokens, Math.floor(limit / 2)) } = changes
  const fit = (reserve: number) => tokenizer.fitChat(messages, { reserve, contextLength: limit })
  const { tokens, droppedTurns, reasoning } = unlessTooLong(
    () => fit(wanted),
    // Nobody asked for so long an answer: a long question gets a shorter one rather than none.
    changes.maxTokens === undefined
      ? () => fit(Math.min(wanted, SHORT_ANSWER_TOKENS, Math.floor(limit / 4)))
      : undefined,
  )
  const maxTokens = changes.maxTokens ?? Math.min(wanted, limit - tokens.length)
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

function unlessTooLong<T>(run: () => T, otherwise: (() => T) | undefined): T {
  try {
    return run()
  } catch (error) {
    if (!otherwise || !hasCode(error, 'prompt.too-long')) throw error
    return otherwise()
  }
}
