import type { TokenId } from '../../base/ids.ts'
import { fitTurns } from './fit-turns.ts'
import { MAX_TEXT_TOKENS } from '../../wire/limits.ts'
import { eosTokens } from '../../models/eos-tokens.ts'
import { createBoundedTokenizer } from './bounded-tokenizer.ts'
import type { ChatMessage } from './chat-message.ts'
import { createChatTemplate, type ChatTemplateInit, type RenderOptions } from './chat-template.ts'
import { createFencedEncoder } from './fenced-encoder.ts'
import {
  findReasoningMarks,
  isInMarks,
  marksAtBegin,
  type ReasoningMarks,
  type ReasoningTags,
} from './reasoning-marks.ts'
import { isThoughtOpen, splitReasoning } from './reasoning.ts'
import { idOf, orUnsupported } from './foreign-files.ts'

export interface ChatTokenizerInit extends ChatTemplateInit {
  /** tokenizer.json, parsed. */
  readonly tokenizerJson: Readonly<Record<string, unknown>>
  /** generation_config.json, parsed; `{}` where there is none. */
  readonly generationConfig: Readonly<Record<string, unknown>>
  /** config.json, parsed: tells the end tokens where the other does not. @default none */
  readonly config?: Readonly<Record<string, unknown>> | undefined
  /** Prompt and answer together, in tokens. */
  readonly contextLength: number
}

interface FitChatOptions extends RenderOptions {
  /** Tokens that are left for the answer. */
  readonly reserve: number
  /** How long prompt and answer may be together, where that is less than the tokenizer's own. */
  readonly contextLength?: number | undefined
}

interface FittedChat {
  readonly tokens: readonly TokenId[]
  /** How many of the oldest turns were left out; the page says so. */
  readonly droppedTurns: number
  /** How the answer to this prompt marks its thought; undefined where the model does not think aloud. */
  readonly reasoning: ReasoningTags | undefined
}

/** Between a conversation and token ids. Lives with the consumer: a provider is sent tokens. */
export interface ChatTokenizer {
  readonly contextLength: number
  /** The tokens that end an answer. */
  readonly eosTokens: ReadonlySet<number>
  /** How the model marks its thoughts; undefined where it does not think aloud. */
  readonly reasoning: ReasoningMarks | undefined
  /**
   * The same for the answer to one prompt, for `splitReasoning`: whether the thought is open where the answer begins is
   * decided by what was asked and how.
   */
  reasoningAfter(messages: readonly ChatMessage[], options?: RenderOptions): ReasoningTags | undefined
  /**
   * The conversation as the model was taught to read it, up to where its answer begins. A thought that an earlier answer
   * begins with is left out, in the marks of whatever model wrote it, as the templates of such models do it.
   */
  encodeChat(messages: readonly ChatMessage[], options?: RenderOptions): readonly TokenId[]
  /**
   * Like `encodeChat`, leaving out the oldest turns (a question with its answer) until `reserve` tokens are left for the
   * answer. System messages at the head and the last question always stay.
   *
   * @throws InfernetError `prompt.too-long` when what must stay does not fit
   */
  fitChat(messages: readonly ChatMessage[], options: FitChatOptions): FittedChat
  /** The text of tokens. Special tokens and ids outside the vocabulary say nothing, but for the marks of thoughts. */
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
  const { template, tokenizer, encodeFenced, reasoning, silent } = orUnsupported(() => readParts(init))

  function encodeChat(messages: readonly ChatMessage[], options?: RenderOptions): readonly TokenId[] {
    const said = messages.map(({ role, content }) =>
      role === 'assistant' ? withoutThought(content, reasoning) : content,
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

  function reasoningAfter(
    messages: readonly ChatMessage[],
    options?: RenderOptions,
  ): ReasoningTags | undefined {
    if (!reasoning) return undefined
    const marked = messages.map((message, i) =>
      i === messages.length - 1 ? { ...message, content: message.content + END_OF_CHAT } : message,
    )
    const rendered = orUnsupported(() => template.render(marked, options))
    const tail = rendered.slice(rendered.lastIndexOf(END_OF_CHAT) + 1)
    return { ...reasoning, opened: isThoughtOpen(tail, reasoning) }
  }

  return {
    contextLength,
    eosTokens: eosTokens(init.generationConfig, init.config),
    reasoning,
    reasoningAfter,
    encodeChat,
    fitChat(messages, { reserve, contextLength: offered = contextLength, ...options }) {
      const maxTokens = Math.min(offered, contextLength, MAX_TEXT_TOKENS) - reserve
      const encode = (left: readonly ChatMessage[]): readonly TokenId[] => encodeChat(left, options)
      const { tokens, droppedTurns, messages: left } = fitTurns(messages, encode, maxTokens)
      return { tokens, droppedTurns, reasoning: reasoningAfter(left, options) }
    },
    decode(tokens) {
      const known = tokens.filter((id) => {
        const text = tokenizer.id_to_token(id)
        return text !== undefined && !silent.has(text)
      })
      // Tidying up spaces would look at what comes after, so a streamed text would change behind its end.
      const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false }
      return known.length === 0 ? '' : orUnsupported(() => tokenizer.decode(known, options))
    },
  }
}

/** Marks in a prompt where the last message ends: a private-use character, and the last one is ours. */
const END_OF_CHAT = '\ue000'

/** An earlier answer, which another model may have written, without the thought that it begins with. */
function withoutThought(content: string, own: ReasoningMarks | undefined): string {
  const marks = marksAtBegin(content)
  if (!marks) return content
  const { answer, isThinking } = splitReasoning(content, marks, true)
  // Without an end it is a thought that was cut off, or, of a model with other marks, any text.
  return isThinking && marks.open !== own?.open ? content : answer
}

function readParts(init: ChatTokenizerInit) {
  const { tokenizerJson, tokenizerConfig } = init
  const template = createChatTemplate(init)
  const { tokenizer, budget } = createBoundedTokenizer(tokenizerJson, tokenizerConfig)
  const added = [...tokenizer.get_added_tokens_decoder().values()]
  const reasoning = findReasoningMarks(
    template.source,
    added.map(({ content }) => content),
  )
  const silent = specialTokens(added, tokenizerConfig).filter(
    (token) => !reasoning || !isInMarks(token, reasoning),
  )
  const writes = (text: string): boolean => template.writes(text)
  const encodeFenced = createFencedEncoder({ tokenizerJson, tokenizerConfig, tokenizer, budget, writes })
  return { template, tokenizer, encodeFenced, reasoning, silent: new Set(silent) }
}

/** What the tokenizer would leave out of a text by itself, marks of thoughts included. */
function specialTokens(
  added: readonly { readonly content: string; readonly special: boolean }[],
  tokenizerConfig: Readonly<Record<string, unknown>>,
): readonly string[] {
  const more = tokenizerConfig['additional_special_tokens']
  const named: readonly unknown[] = Array.isArray(more) ? more : []
  return [
    ...added.filter(({ special }) => special).map(({ content }) => content),
    ...named.filter((token): token is string => typeof token === 'string'),
  ]
}
