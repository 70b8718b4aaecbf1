import { Tokenizer } from '@huggingface/tokenizers'
import { tokenId, type TokenId } from '../../base/ids.ts'
import { fitTurns } from './fit-turns.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { eosTokens } from '../eos-tokens.ts'
import type { ChatMessage } from './chat-message.ts'
import { createChatTemplate, type ChatTemplateInit, type RenderOptions } from './chat-template.ts'
import { createFencedEncoder } from './fenced-encoder.ts'
import { splitReasoning, type ReasoningTags } from './reasoning.ts'

export interface ChatTokenizerInit extends ChatTemplateInit {
  /** tokenizer.json, parsed. */
  readonly tokenizerJson: Readonly<Record<string, unknown>>
  /** generation_config.json, parsed. */
  readonly generationConfig: Readonly<Record<string, unknown>>
  /** Prompt and answer together, in tokens. */
  readonly contextLength: number
}

interface FittedChat {
  readonly tokens: readonly TokenId[]
  /** How many of the oldest turns were left out; the page says so. */
  readonly droppedTurns: number
}

/** Between a conversation and token ids. Lives with the consumer: a provider never sees text. */
export interface ChatTokenizer {
  readonly contextLength: number
  /** The tokens that end an answer. */
  readonly eosTokens: ReadonlySet<number>
  /** How the model marks its thoughts, for `splitReasoning`; undefined where it does not think aloud. */
  readonly reasoning: ReasoningTags | undefined
  /**
   * The conversation as the model was taught to read it, up to where its answer begins. The thoughts of earlier answers
   * are left out, as the templates of such models do it.
   */
  encodeChat(messages: readonly ChatMessage[], options?: RenderOptions): readonly TokenId[]
  /**
   * Like `encodeChat`, leaving out the oldest turns (a question with its answer) until `reserve` tokens are left for the
   * answer. System messages at the head and the last question always stay.
   *
   * @throws InfernetError `prompt.too-long` when what must stay does not fit
   */
  fitChat(messages: readonly ChatMessage[], options: { readonly reserve: number } & RenderOptions): FittedChat
  /** The text of tokens. Special tokens and ids outside the vocabulary say nothing. */
  decode(tokens: readonly number[]): string
}

/**
 * @throws InfernetError `models.unsupported` when there is no chat template or the tokenizer is of an unknown kind
 *
 * @example
 * const chat = createChatTokenizer({ tokenizerJson, tokenizerConfig, generationConfig, contextLength: 1024 })
 * const { tokens } = chat.fitChat([{ role: 'user', content: 'What is 3 plus 4?' }], { reserve: 256 })
 */
export function createChatTokenizer(init: ChatTokenizerInit): ChatTokenizer {
  const { contextLength } = init
  const { template, tokenizer, encodeFenced } = orUnsupported(() => readParts(init))
  const { reasoning } = template

  function encodeChat(messages: readonly ChatMessage[], options?: RenderOptions): readonly TokenId[] {
    const said = messages.map(({ role, content }) =>
      role === 'assistant' && reasoning ? splitReasoning(content, reasoning, true).answer : content,
    )
    return orUnsupported(() =>
      encodeFenced(said, (contents) =>
        template.render(
          messages.map(({ role }, i) => ({ role, content: contents[i] ?? '' })),
          options,
        ),
      ).map(idOf),
    )
  }

  return {
    contextLength,
    eosTokens: eosTokens(init.generationConfig),
    reasoning,
    encodeChat,
    fitChat(messages, { reserve, ...options }) {
      const maxTokens = contextLength - reserve
      const { tokens, droppedTurns } = fitTurns(messages, (left) => encodeChat(left, options), maxTokens)
      return { tokens, droppedTurns }
    },
    decode(tokens) {
      const known = tokens.filter((id) => tokenizer.id_to_token(id) !== undefined)
      // Tidying up spaces would look at what comes after, so a streamed text would change behind its end.
      const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false }
      return known.length === 0 ? '' : orUnsupported(() => tokenizer.decode(known, options))
    },
  }
}

function readParts(init: ChatTokenizerInit) {
  const { tokenizerJson, tokenizerConfig } = init
  const template = createChatTemplate(init)
  const tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig)
  const writes = (text: string): boolean => template.writes(text)
  const encodeFenced = createFencedEncoder({ tokenizerJson, tokenizerConfig, tokenizer, writes })
  return { template, tokenizer, encodeFenced }
}

/** The libraries trust the files, which a stranger wrote: whatever breaks on them is a model that cannot be run. */
function orUnsupported<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw InfernetError.from(cause, 'models.unsupported', { reason: 'its tokenizer is of an unknown kind' })
  }
}

/** A vocabulary may hold anything under a word, and the tokenizer gives it back unread. */
function idOf(token: number): TokenId {
  if (!Number.isSafeInteger(token) || token < 0) throw new Error('no token id')
  return tokenId(token)
}
