import { Tokenizer } from '@huggingface/tokenizers'
import { describe, expect, it } from 'vitest'
import { createChatTokenizer, type ChatTokenizer } from '../../engine/tokenizer/chat-tokenizer.ts'
import { REAL_REGEXES } from '../../testing/real-regexes.ts'
import { byteLevelTokenizer, spacedTokenizer } from './tokenizers.ts'

type Json = Readonly<Record<string, unknown>>

const base = byteLevelTokenizer({ control: ['<end>'] })
const byteLevel = base['pre_tokenizer'] as Json

function load(change: Json, tokenizerConfig: Json = {}): ChatTokenizer {
  return createChatTokenizer({
    tokenizerJson: { ...base, ...change },
    tokenizerConfig,
    generationConfig: {},
    contextLength: 1 << 20,
    chatTemplate: '{{ messages[0].content }}<end>',
  })
}

const encode = (tokenizer: ChatTokenizer, content: string): readonly number[] =>
  tokenizer.encodeChat([{ role: 'user', content }])

const replace = (content: string, pattern: Json = { String: 'a' }): Json => ({
  type: 'Replace',
  pattern,
  content,
})
const split = (regex: string): Json => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior: 'Isolated',
  invert: false,
})
const sequence = (name: string, steps: readonly Json[]): Json => ({ type: 'Sequence', [name]: steps })
const times = (count: number, step: Json): Json[] => Array.from({ length: count }, () => step)

/** Twenty times into letters, each then with something before it. */
const splitAndPrefixed = (prefix: string): Json =>
  sequence(
    'pretokenizers',
    times(20, split('.')).flatMap((each) => [
      each,
      { type: 'Metaspace', replacement: '▁', str_rep: prefix, prepend_scheme: 'always' },
    ]),
  )

function refusal(run: () => unknown): unknown {
  try {
    run()
  } catch (thrown) {
    return thrown
  }
  return 'no refusal'
}

const unsupported = (reason: string): unknown =>
  expect.objectContaining({ code: 'models.unsupported', facts: { reason } })

const TEXT = 'a'.repeat(10_000) + '!'
const TOO_MUCH = 'its tokenizer takes too much time or memory'

describe('a hostile tokenizer.json ends by name, before anything is encoded:', () => {
  it.each<[what: string, reason: string, change: Json]>([
    [
      'a normalizer that puts in a book',
      'its tokenizer puts in too much text',
      { normalizer: replace('a'.repeat(1e6)) },
    ],
    [
      'one that puts a book before each text',
      'its tokenizer puts in too much text',
      { normalizer: { type: 'Prepend', prepend: 'a'.repeat(1e6) } },
    ],
    [
      'a space that is a book',
      'its tokenizer puts in too much text',
      { pre_tokenizer: { type: 'Metaspace', replacement: '_', str_rep: '_'.repeat(1e6) } },
    ],
    [
      'one that puts in all that follows',
      'its tokenizer refers to what it found',
      { normalizer: replace("$'$'") },
    ],
    [
      'a thousand steps',
      'its tokenizer takes too many steps',
      { normalizer: sequence('normalizers', times(1000, { type: 'NFC' })) },
    ],
    [
      'steps within steps',
      'its tokenizer takes too many steps',
      {
        decoder: Array.from({ length: 5000 }).reduce<Json>((inner) => sequence('decoders', [inner]), {
          type: 'Fuse',
        }),
      },
    ],
    [
      'words of no letters',
      'its tokenizer splits text into nothing',
      { pre_tokenizer: { type: 'FixedLength', length: 0 } },
    ],
    [
      'words of half a letter',
      'its tokenizer splits text into nothing',
      { pre_tokenizer: sequence('pretokenizers', [{ type: 'FixedLength', length: 1e-9 }]) },
    ],
    [
      'word pieces of a whole text',
      'its tokenizer takes too long words',
      {
        model: {
          type: 'WordPiece',
          unk_token: '?',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: 1e9,
          vocab: { '?': 0, a: 1, '##a': 2 },
        },
      },
    ],
    ['a regex of a book', 'its tokenizer has too long a regex', { pre_tokenizer: split('a?'.repeat(1e5)) }],
    [
      'an added token of a book',
      'its added tokens are too many or too long',
      { added_tokens: [{ id: 256, content: 'a'.repeat(1e5), special: true }] },
    ],
    [
      'a regex that refers back',
      'its tokenizer is of an unknown kind',
      { pre_tokenizer: split('(a+)\\1+$') },
    ],
  ])('%s', (_, reason, change) => {
    expect(refusal(() => load(change))).toEqual(unsupported(reason))
  })
})

describe('a hostile tokenizer.json ends by name, when a text is encoded:', () => {
  it.each<[what: string, change: Json]>([
    [
      'text that doubles with each step of a normalizer',
      { normalizer: sequence('normalizers', times(40, replace('aa'))) },
    ],
    ['a text that becomes sixty times as long', { normalizer: replace('a'.repeat(60)) }],
    ['words that treble with each step', { pre_tokenizer: splitAndPrefixed('▁▁') }],
    ['words that are split again and again', { pre_tokenizer: splitAndPrefixed('▁') }],
    [
      'bytes that are written as characters of two bytes, again and again',
      {
        pre_tokenizer: sequence('pretokenizers', [
          replace('é'),
          ...times(40, { ...byteLevel, use_regex: false }),
        ]),
      },
    ],
    [
      'words of one letter, each longer than the last',
      {
        pre_tokenizer: null,
        decoder: null,
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: [['?', 0], ...Array.from({ length: 2000 }, (_, i) => ['a'.repeat(i + 1), -1])],
        },
      },
    ],
    [
      'one word as long as the text, of which only its end is a word',
      {
        pre_tokenizer: null,
        decoder: null,
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: [
            ['?', 0],
            ['a'.repeat(1e6), -1],
          ],
        },
      },
    ],
  ])('%s', (_, change) => {
    const tokenizer = load(change)
    expect(refusal(() => encode(tokenizer, TEXT))).toEqual(unsupported(TOO_MUCH))
  })

  it('a decoder whose text doubles with each step, when an answer is read', () => {
    const tokenizer = load({ decoder: sequence('decoders', times(40, replace('aa'))) })
    const tokens = encode(load({}), TEXT)
    expect(refusal(() => tokenizer.decode(tokens))).toEqual(unsupported(TOO_MUCH))
  })
})

describe('what the browser would never be done with is encoded', () => {
  it.each(['(a+)+$', '(a|a)*b', '(?:a|aa)+$', 'a*a*a*a*a*b', '(?=(?:a+)+$)x'])(
    'a text split by %s',
    (regex) => {
      const tokenizer = load({ pre_tokenizer: sequence('pretokenizers', [split(regex), byteLevel]) })
      expect(tokenizer.decode(encode(tokenizer, TEXT))).toBe(TEXT)
    },
  )

  it('a text cleaned by (a+)+$, and an answer', () => {
    const end = { Regex: '(a+)+$' }
    const tokenizer = load({
      normalizer: replace('b', end),
      decoder: sequence('decoders', [base['decoder'] as Json, replace('c', end)]),
    })
    expect(tokenizer.decode(encode(tokenizer, TEXT))).toBe(TEXT)
    expect(tokenizer.decode(encode(tokenizer, 'aaa'))).toBe('b')
    expect(tokenizer.decode(encode(load({}), 'aaa'))).toBe('c')
  })

  it('with an added token that a regex would be run over while the tokenizer is made', () => {
    const added = [{ id: 257, content: TEXT.slice(-40), special: false, normalized: true }]
    const tokenizer = load({
      normalizer: replace('b', { Regex: '(a+)+$' }),
      added_tokens: [...base.added_tokens, ...added],
    })
    expect(encode(tokenizer, 'aaa')).toEqual([...encode(load({}), 'b')])
  })
})

const SAMPLE =
  "I'LL say: it's 1234567 things,\r\n\r\n  \tOne Two THREE fourFive  \n größe 日本語カタカナ हिन्दी é 😀👍🏽 \u3000 #include\n\n\n"

describe('real tokenizers read a text as the library does', () => {
  it.each(Object.entries(REAL_REGEXES))('split as %s', (_, regex) => {
    const json = { ...base, pre_tokenizer: sequence('pretokenizers', [split(regex), byteLevel]) }
    const expected = new Tokenizer(json, {}).encode(SAMPLE).ids
    expect(encode(load(json), SAMPLE).slice(0, -1)).toEqual(expected)
  })

  const spaced = spacedTokenizer({ control: ['<end>'] })
  it.each<[string, Json]>([
    [
      'Gemma',
      {
        ...spaced,
        pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious' },
      },
    ],
    [
      'Llama 2',
      {
        ...spaced,
        normalizer: sequence('normalizers', [
          { type: 'Prepend', prepend: '▁' },
          replace('▁', { String: ' ' }),
        ]),
      },
    ],
    [
      'T5 and XLM-R',
      {
        normalizer: sequence('normalizers', [
          { type: 'Precompiled', precompiled_charsmap: 'A'.repeat(300_000) },
          replace(' ', { Regex: ' {2,}' }),
        ]),
        pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
        decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
        model: {
          type: 'Unigram',
          unk_id: 0,
          vocab: [['<unk>', 0], ...[...'▁onethw ONETW', '▁One', '▁Two', 'Tw'].map((word, i) => [word, -i])],
        },
      },
    ],
    [
      'BERT',
      {
        normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
        pre_tokenizer: { type: 'BertPreTokenizer' },
        decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
        model: {
          type: 'WordPiece',
          unk_token: '[UNK]',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: 100,
          vocab: { '[UNK]': 0, one: 1, two: 2, it: 3, "'": 4, s: 5, th: 6, '##ings': 7, ',': 8 },
        },
      },
    ],
  ])('%s', (_, change) => {
    const json = { ...base, ...change, added_tokens: [{ id: 300, content: '<end>', special: true }] }
    const library = new Tokenizer(json, {})
    const { ids } = library.encode(SAMPLE)
    const tokenizer = load(json)
    expect(encode(tokenizer, SAMPLE).slice(0, -1)).toEqual(ids)
    expect(tokenizer.decode(ids)).toBe(
      library.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    )
  })
})
