import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { tokenId, type TokenId } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { eosTokens } from '../eos-tokens.ts'
import { createFencedEncoder } from './fenced-encoder.ts'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatTokenizerInit {
  /** tokenizer.json, parsed. */
  readonly tokenizerJson: Readonly<Record<string, unknown>>
  /** tokenizer_config.json, parsed; it holds the chat template. */
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
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
  /** The conversation as the model was taught to read it, up to where its answer begins. */
  encodeChat(messages: readonly ChatMessage[]): readonly TokenId[]
  /**
   * Like `encodeChat`, leaving out the oldest turns (a question with its answer) until `reserve` tokens are left for the
   * answer. System messages at the head and the last question always stay.
   *
   * @throws InfernetError `prompt.too-long` when what must stay does not fit
   */
  fitChat(messages: readonly ChatMessage[], options: { readonly reserve: number }): FittedChat
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
  const { tokenizer, template } = parse(init)
  const encodeFenced = createFencedEncoder(init.tokenizerJson, init.tokenizerConfig, tokenizer)
  const special = specialTexts(init.tokenizerConfig)

  function encodeChat(messages: readonly ChatMessage[]): readonly TokenId[] {
    return encodeFenced(
      messages.map(({ content }) => content),
      (contents) =>
        template.render({
          ...special,
          messages: messages.map(({ role }, i) => ({ role, content: contents[i] ?? '' })),
          add_generation_prompt: true,
        }),
    ).map(tokenId)
  }

  return {
    contextLength,
    eosTokens: eosTokens(init.generationConfig),
    encodeChat,
    fitChat(messages, { reserve }) {
      const maxTokens = contextLength - reserve
      let left = messages
      for (let droppedTurns = 0; ; droppedTurns++) {
        const tokens = encodeChat(left)
        if (tokens.length <= maxTokens) return { tokens, droppedTurns }
        const shorter = withoutOldestTurn(left)
        if (!shorter) throw new InfernetError('prompt.too-long', { tokens: tokens.length, maxTokens })
        left = shorter
      }
    },
    decode(tokens) {
      const known = tokens.filter((id) => tokenizer.id_to_token(id) !== undefined)
      // Tidying up spaces would look at what comes after, so a streamed text would change behind its end.
      const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false }
      return known.length === 0 ? '' : tokenizer.decode(known, options)
    },
  }
}

/** Undefined when only the head and the last question are left. */
function withoutOldestTurn(messages: readonly ChatMessage[]): readonly ChatMessage[] | undefined {
  const head = messages.findIndex(({ role }) => role !== 'system')
  const lastQuestion = messages.findLastIndex(({ role }) => role === 'user')
  if (head < 0 || head >= lastQuestion) return undefined
  const nextTurn = messages.findIndex(({ role }, i) => i > head && role === 'user')
  return [...messages.slice(0, head), ...messages.slice(nextTurn)]
}

function parse({ tokenizerJson, tokenizerConfig }: ChatTokenizerInit): {
  tokenizer: Tokenizer
  template: Template
} {
  const source = tokenizerConfig['chat_template']
  if (typeof source !== 'string')
    throw new InfernetError('models.unsupported', { reason: 'no chat template' })
  try {
    return { tokenizer: new Tokenizer(tokenizerJson, tokenizerConfig), template: new Template(source) }
  } catch (cause) {
    throw new InfernetError(
      'models.unsupported',
      { reason: 'its tokenizer is of an unknown kind' },
      { cause },
    )
  }
}

/** `bos_token`, `eos_token`, `pad_token`: templates name them. They are texts, or objects with a `content`. */
function specialTexts(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = config[name]
    if (typeof value === 'string') texts[name] = value
    else if (typeof value === 'object' && value !== null && 'content' in value)
      texts[name] = String(value.content)
  }
  return texts
}
