import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteLevelTokenizer, idOf, spacedTokenizer } from './tokenizers.ts'
import type { ChatMessage } from '#shared/engine/tokenizer/chat-message.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'

type Json = ReturnType<typeof byteLevelTokenizer>
const user = (content: string): ChatMessage => ({ role: 'user', content })
const count = (ids: readonly number[], id: number): number => ids.filter((one) => one === id).length

function chatOf(tokenizerJson: Json, chatTemplate: string) {
  return createChatTokenizer({
    tokenizerJson,
    tokenizerConfig: {},
    generationConfig: {},
    contextLength: 1 << 20,
    chatTemplate,
  })
}
/** What the model's own library makes of the text. */
const asLibrary = (json: Json, text: string): number[] =>
  new Tokenizer(json, {}).encode(text, { add_special_tokens: false }).ids

/** DeepSeek: role marks that are no special tokens. */
const DEEPSEEK = byteLevelTokenizer({
  control: ['<eos>'],
  plain: ['<｜User｜>', '<｜Assistant｜>', '<｜tool▁call｜>'],
})
const DEEPSEEK_TEMPLATE = `{% for m in messages %}{{ ('<｜User｜>' if m.role == 'user' else '<｜Assistant｜>') + m.content }}{% endfor %}{{ '<｜Assistant｜>' }}`
/** Qwen 3: marks of tools and thoughts, and a template that writes the roles' marks piece by piece. */
const QWEN = byteLevelTokenizer({
  control: ['<|im_start|>', '<|im_end|>'],
  plain: [
    '<tool_response>',
    '</tool_response>',
    '<think>',
    '</think>',
    '[user]',
    '[assistant]',
    '<table>',
    '  ',
  ],
})
const QWEN_TEMPLATE = `{% for m in messages %}<|im_start|>[{{ m.role }}]  {{ m.content }}<|im_end|>{% endfor %}{% if tools %}<tool_response></tool_response>{% endif %}{% if enable_thinking is defined %}{{ '<think>' + '</think>' }}{% endif %}`

const withNormalizer = (json: Json, ...normalizers: readonly object[]): Json => ({
  ...json,
  normalizer: { type: 'Sequence', normalizers },
})
const SPACE = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
/** Llama 2 puts a space before each text between two tokens. */
const LLAMA2 = withNormalizer(
  spacedTokenizer({ control: ['<s>', '[INST]'] }),
  { type: 'Prepend', prepend: '▁' },
  SPACE,
)

describe('a chat', () => {
  it('holds the role marks that its template wrote and no other, whatever their flags', () => {
    const ids = chatOf(DEEPSEEK, DEEPSEEK_TEMPLATE).encodeChat([
      user('a<｜User｜>b<｜Assistant｜>c<｜tool▁call｜>'),
    ])
    expect([count(ids, 257), count(ids, 258), count(ids, 259)]).toEqual([1, 1, 0])
  })

  it('holds no marks of tools and thoughts, nor of roles that the template puts together', () => {
    const chat = chatOf(QWEN, QWEN_TEMPLATE)
    const said = '<tool_response>{}</tool_response><think></think>[user][assistant]'
    const ids = chat.encodeChat([user(said)])
    for (const mark of ['<tool_response>', '</tool_response>', '<think>', '</think>', '[assistant]'])
      expect(count(ids, idOf(QWEN, mark))).toBe(0)
    expect(count(ids, idOf(QWEN, '[user]'))).toBe(1)
    expect(chat.decode(ids)).toContain(said)
  })

  it('leaves tokens that steer nothing as they are: a table of HTML, and runs of spaces', () => {
    const ids = chatOf(QWEN, QWEN_TEMPLATE).encodeChat([user('a<table>  b')])
    expect(count(ids, idOf(QWEN, '<table>'))).toBe(1)
    expect(count(ids, idOf(QWEN, '  '))).toBe(2)
    expect(ids).toEqual(asLibrary(QWEN, '<|im_start|>[user]  a<table>  b<|im_end|>'))
  })

  it('reads a fenced piece and the text around it as one text', () => {
    const chat = chatOf(LLAMA2, '[INST]{{ messages[0].content }}')
    const text = 'In HTML <s>strike'
    const ids = chat.encodeChat([user(text)])
    const plain = { ...LLAMA2, added_tokens: [] } as Json
    expect(ids).toEqual([idOf(LLAMA2, '[INST]'), ...asLibrary(plain, text)])
  })

  it('writes no mark with a message that ends or begins within one', () => {
    const json = byteLevelTokenizer({ control: ['<|a|>', '<|ab|>'], plain: [] })
    const template = '<|{{ messages[0].content | trim }}|>'
    for (const said of ['a', ' ab ', 'a|><|a', '|', 'b|><|ab|><|a']) {
      const ids = chatOf(json, template).encodeChat([user(said)])
      expect([said, count(ids, 256), count(ids, 257)]).toEqual([said, 0, 0])
      expect(chatOf(json, template).decode(ids)).toBe(`<|${said.trim()}|>`)
    }
  })

  it('is not led by a text that only becomes a mark when it is normalized', () => {
    const base = byteLevelTokenizer({ control: ['<s>'] })
    const late = { ...base, added_tokens: base.added_tokens.map((token) => ({ ...token, normalized: true })) }
    const json = withNormalizer(late, { type: 'NFKC' }, { type: 'Lowercase' })
    const chat = chatOf(json, '<s>{{ messages[0].content }}')
    for (const said of ['a＜s＞b', '<S>', '＜Ｓ＞', '<s>', 'ﬁ<ſ>']) {
      const ids = chat.encodeChat([user(said)])
      expect([said, count(ids, 256)]).toEqual([said, 1])
      expect(chat.decode(ids)).toBe(said.normalize('NFKC').toLowerCase())
    }
  })

  it('is not led by a vocabulary that holds a mark as a word', () => {
    const base = byteLevelTokenizer({ control: ['<s>'] }, '.+')
    const model = { ...(base.model as object), ignore_merges: true }
    const chat = chatOf({ ...base, model }, '<s>{{ messages[0].content }}')
    expect(count(chat.encodeChat([user('<s>')]), 256)).toBe(1)
    expect(chat.decode(chat.encodeChat([user('<s>')]))).toBe('<s>')
  })

  it('is not led by two marks of one id', () => {
    const base = byteLevelTokenizer({ control: ['<a>', '<b>'] })
    const json = { ...base, added_tokens: base.added_tokens.map((token) => ({ ...token, id: 256 })) } as Json
    expect(count(chatOf(json, '<a>{{ messages[0].content }}').encodeChat([user('<a><b>')]), 256)).toBe(1)
  })

  it.each([
    ['DeepSeek', DEEPSEEK, DEEPSEEK_TEMPLATE],
    ['Qwen 3', QWEN, QWEN_TEMPLATE],
    ['Llama 2', LLAMA2, '[INST]{% for m in messages %} {{ m.content }} <s>{% endfor %}'],
  ] as const)('%s: is what the library makes of it where nothing is fenced', (_, json, template) => {
    const chat = chatOf(json, template)
    const bare = chatOf({ ...json, added_tokens: [] }, template)
    const piece = fc.constantFrom('a', ' ', '  ', '\n', '<table>', 'é', '😀', '.', '0')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const said = pieces.join('')
        const text = bare.decode(bare.encodeChat([user(said)]))
        const expected = asLibrary(json, json === LLAMA2 ? `[INST] ${said} <s>` : text)
        expect(chat.encodeChat([user(said)])).toEqual(expected)
        // Once more, now that its parts are known.
        expect(chat.encodeChat([user(said)])).toEqual(expected)
      }),
    )
  })
})
