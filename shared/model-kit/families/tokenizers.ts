/*
 * Tokenizers of the two kinds that the families have, over the 256 bytes and nothing more: what is tested is that the
 * kind is read, not what it knows.
 */

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
}

interface TokenizerJson extends Readonly<Record<string, unknown>> {
  readonly added_tokens: readonly AddedToken[]
}

/** The texts of special tokens; those that are no control tokens (`<think>`) say something when they are decoded. */
export interface Specials {
  readonly control: readonly string[]
  readonly plain?: readonly string[]
}

function addedTokens(first: number, { control, plain = [] }: Specials): readonly AddedToken[] {
  return [...control, ...plain].map((content, i) => ({
    id: first + i,
    content,
    special: i < control.length,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }))
}

/** The characters by which byte-level BPE writes the 256 bytes (GPT-2's `bytes_to_unicode`). */
function byteCharacters(): readonly string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++))
}

/**
 * Byte-level BPE as Llama 3, SmolLM2, Qwen and Phi 4 have it, each with its own way of splitting text into words.
 * Ids 0 to 255 are bytes, special tokens follow.
 */
export function byteLevelTokenizer(specials: Specials, split?: string): TokenizerJson {
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: split === undefined,
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(256, specials),
    normalizer: null,
    pre_tokenizer:
      split === undefined
        ? byteLevel
        : {
            type: 'Sequence',
            pretokenizers: [
              { type: 'Split', pattern: { Regex: split }, behavior: 'Isolated', invert: false },
              byteLevel,
            ],
          },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(byteCharacters().map((character, byte) => [character, byte])),
      merges: [],
    },
  }
}

/**
 * BPE over characters with spaces written as `▁` and bytes for what it does not know, as Gemma 3 and Phi 3 have it.
 * Ids 0 to 3 are pad, eos, bos, unk; 4 to 259 bytes; then printable ASCII; special tokens follow.
 */
export function spacedTokenizer(specials: Specials): TokenizerJson {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  )
  const ascii = Array.from({ length: 94 }, (_, i) => String.fromCodePoint(33 + i))
  const texts = [...BASE_SPECIALS, ...bytes, '▁', '\n', ...ascii]
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      ...BASE_SPECIALS.map((content, id) => ({
        id,
        content,
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      })),
      ...addedTokens(texts.length, specials),
    ],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      merges: [],
    },
  }
}

const BASE_SPECIALS = ['<pad>', '<eos>', '<bos>', '<unk>']

/** The id of a special token. */
export function idOf(tokenizer: TokenizerJson, content: string): number {
  const found = tokenizer.added_tokens.find((token) => token.content === content)
  if (!found) throw new Error(`no token ${content}`)
  return found.id
}
