import type { TokenId } from '../../base/ids.ts'
import { createBoundedTokenizer } from './bounded-tokenizer.ts'
import { idOf, orUnsupported } from './foreign-files.ts'

export interface TextTokenizerInit {
  /** tokenizer.json, parsed. */
  readonly tokenizerJson: Readonly<Record<string, unknown>>
  /** tokenizer_config.json, parsed. */
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
}

/** Turns a text into the tokens that an encoder reads. Lives with the consumer: a provider is sent tokens. */
export interface TextTokenizer {
  /**
   * The whole text, however long: what is too long for a model is its caller's to say.
   *
   * @throws InfernetError `models.unsupported` when the tokenizer takes too long for it
   */
  encode(text: string): readonly TokenId[]
  /** The text of tokens, as far as they tell it: an encoder's may have lost the difference of large and small letters. */
  decode(tokens: readonly number[]): string
}

/**
 * The same tokens as the model's own library gives, what it puts before and behind a text included.
 *
 * @throws InfernetError `models.unsupported` for a tokenizer of an unknown kind
 *
 * @example
 * const tokens = createTextTokenizer({ tokenizerJson, tokenizerConfig }).encode('A man is eating food.')
 */
export function createTextTokenizer({ tokenizerJson, tokenizerConfig }: TextTokenizerInit): TextTokenizer {
  const { tokenizer, budget } = orUnsupported(() => createBoundedTokenizer(tokenizerJson, tokenizerConfig))
  return {
    encode: (text) =>
      orUnsupported(() => {
        budget.restart(text.length)
        return tokenizer.encode(text).ids.map(idOf)
      }),
    decode(tokens) {
      const known = tokens.filter((id) => tokenizer.id_to_token(id) !== undefined)
      return known.length === 0
        ? ''
        : orUnsupported(() => tokenizer.decode(known, { skip_special_tokens: true }))
    },
  }
}
