import { describe, expect, it } from 'vitest'
import type { ChatMessage } from '#shared/engine/tokenizer/chat-message.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { splitReasoning } from '#shared/engine/tokenizer/reasoning.ts'
import { GEMMA2_TEMPLATE, LLAMA_TEMPLATE, R1_TEMPLATE } from './chat-templates.ts'
import { FAMILIES, type FamilyModel } from './families.ts'
import { idOf } from './tokenizers.ts'

const user = (content: string): ChatMessage => ({ role: 'user', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })

/** Noon of 5 March 2026. */
const NOW = Date.UTC(2026, 2, 5, 12)

function familyOf(id: string): FamilyModel {
  const found = FAMILIES.find(({ family }) => family.id === id)
  if (!found) throw new Error(`no family ${id}`)
  return found
}

function tokenizerOf(model: FamilyModel, chatTemplate: unknown = model.chatTemplate) {
  const { tokenizer, bos, eos } = model
  return createChatTokenizer({
    tokenizerJson: tokenizer,
    tokenizerConfig: { bos_token: bos, eos_token: eos[0], chat_template: chatTemplate },
    generationConfig: { eos_token_id: eos.map((text) => idOf(tokenizer, text)) },
    contextLength: 512,
    now: () => NOW,
  })
}

/** Tokens as text, the special ones by their names. */
function spelled(model: FamilyModel, tokens: readonly number[]): string {
  const names = new Map(model.tokenizer.added_tokens.map(({ id, content }) => [id, content]))
  const chat = tokenizerOf(model)
  let text = ''
  let plain: number[] = []
  for (const token of [...tokens, -1]) {
    const name = names.get(token)
    if (name === undefined && token >= 0) plain.push(token)
    else {
      text += chat.decode(plain) + (name ?? '')
      plain = []
    }
  }
  return text
}

describe('the chats of each family', () => {
  it.each([
    [
      'llama-3.2',
      '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 05 Mar 2026\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ],
    [
      'smollm2',
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      'qwen2.5',
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      'qwen3',
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    ],
    ['gemma-3', '<bos><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\n'],
    ['phi-3.5', '<|system|>\nBe kind.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n'],
    ['phi-4-mini', '<|system|>Be kind.<|end|><|user|>Hi<|end|><|assistant|>'],
  ])('%s', (id, expected) => {
    const model = familyOf(id)
    const tokens = tokenizerOf(model).encodeChat([system('Be kind.'), user('Hi')])
    expect(spelled(model, tokens)).toBe(expected)
  })

  it.each(FAMILIES.map((model) => [model.family.id, model] as const))(
    '%s: text comes back as it went, whatever its language',
    (_, model) => {
      const text = 'Grüß Gott, 你好 👩‍👩‍👧 — (a+b)·2  two  spaces'
      const chat = tokenizerOf(model)
      expect(chat.decode(chat.encodeChat([user(text)]))).toContain(text)
      expect(chat.eosTokens).toEqual(new Set(model.eos.map((end) => idOf(model.tokenizer, end))))
    },
  )

  it('tells a model that asks for it the date, in English and in UTC', () => {
    const model = familyOf('llama-3.2')
    const written = LLAMA_TEMPLATE.replace('%d %b %Y', '%Y-%m-%d %H:%M:%S, %B')
    const tokens = tokenizerOf(model, written).encodeChat([user('Hi')])
    expect(spelled(model, tokens)).toContain('Today Date: 2026-03-05 12:00:00, March')
  })

  it('puts the system before the first question where a template refuses or forgets it', () => {
    const model = familyOf('gemma-3')
    const forgetful = `{% for m in messages %}{% if m.role != 'system' %}<start_of_turn>{{ m.content }}<end_of_turn>{% endif %}{% endfor %}`
    const chat = [system('Be kind.'), user('Hi'), assistant('Hello'), user('1+1?')]
    expect(spelled(model, tokenizerOf(model, GEMMA2_TEMPLATE).encodeChat(chat))).toBe(
      '<bos><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\n1+1?<end_of_turn>\n<start_of_turn>model\n',
    )
    expect(spelled(model, tokenizerOf(model, forgetful).encodeChat(chat))).toBe(
      '<start_of_turn>Be kind.\n\nHi<end_of_turn><start_of_turn>Hello<end_of_turn><start_of_turn>1+1?<end_of_turn>',
    )
  })

  it('says so when a template refuses the chat', () => {
    const chat = tokenizerOf(familyOf('gemma-3'))
    expect(() => chat.encodeChat([user('a'), user('b')])).toThrow(
      expect.objectContaining({
        code: 'models.unsupported',
        facts: { reason: 'its chat template refuses this chat' },
      }),
    )
  })

  it('takes a template from a list by its name, or from its own file', () => {
    const model = familyOf('qwen2.5')
    const list = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'chat' },
    ]
    expect(spelled(model, tokenizerOf(model, list).encodeChat([user('Hi')]))).toBe('chat')
    const fromFile = createChatTokenizer({
      tokenizerJson: model.tokenizer,
      tokenizerConfig: {},
      generationConfig: {},
      contextLength: 64,
      chatTemplate: 'file',
    })
    expect(spelled(model, fromFile.encodeChat([user('Hi')]))).toBe('file')
  })
})

describe('models that think aloud', () => {
  const qwen = familyOf('qwen3')

  it('are told apart from those that do not', () => {
    const thinking = FAMILIES.filter((model) => tokenizerOf(model).reasoning !== undefined)
    expect(thinking.map(({ family }) => family.id)).toEqual(['qwen3'])
  })

  it('can be asked not to', () => {
    const chat = tokenizerOf(qwen)
    const last = (options?: { thinking: boolean }) =>
      spelled(qwen, chat.encodeChat([user('Hi')], options))
        .split('<|im_start|>')
        .at(-1)
    expect(last()).toBe('assistant\n')
    expect(last({ thinking: true })).toBe('assistant\n')
    expect(last({ thinking: false })).toBe('assistant\n<think>\n\n</think>\n\n')
    expect(chat.fitChat([user('Hi')], { reserve: 10, thinking: false }).tokens).toEqual(
      chat.encodeChat([user('Hi')], { thinking: false }),
    )
  })

  it('do not read what they thought before', () => {
    const chat = [user('Hi'), assistant('<think>\nA guest.\n</think>\n\nHello'), user('1+1?')]
    expect(spelled(qwen, tokenizerOf(qwen).encodeChat(chat))).toBe(
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n',
    )
  })

  it('may begin inside their thought', () => {
    const chat = tokenizerOf(qwen, R1_TEMPLATE)
    expect(chat.reasoning).toMatchObject({ opened: true })
    if (!chat.reasoning) throw new Error('no tags')
    expect(splitReasoning('Hm.</think>Two.', chat.reasoning)).toEqual({
      reasoning: 'Hm.',
      answer: 'Two.',
      isThinking: false,
    })
  })
})
