import { describe, expect, it } from 'vitest'
import type { ChatMessage } from '#shared/engine/tokenizer/chat-message.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { createTextStream } from '#shared/engine/tokenizer/text-stream.ts'
import { splitReasoning } from '#shared/engine/tokenizer/reasoning.ts'
import { GEMMA2_TEMPLATE, LLAMA_TEMPLATE, R1_TEMPLATE } from './chat-templates.ts'
import { FAMILIES, type FamilyModel } from './families.ts'
import { byteLevelTokenizer, idOf } from './tokenizers.ts'

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

  it('may begin inside their thought, where the prompt says so', () => {
    const chat = tokenizerOf(qwen, OPENING_TEMPLATE)
    const asked = [user('Hi')]
    expect(chat.reasoningAfter(asked)).toMatchObject({ opened: true })
    expect(chat.fitChat(asked, { reserve: 10 }).reasoning).toMatchObject({ opened: true })
    expect(splitReasoning('Hm.</think>Two.', chat.reasoningAfter(asked)!)).toEqual({
      reasoning: 'Hm.',
      answer: 'Two.',
      isThinking: false,
    })
    const silent = chat.fitChat(asked, { reserve: 10, thinking: false }).reasoning
    expect(silent).toMatchObject({ opened: false })
    expect(splitReasoning('Two.', silent!)).toEqual({ reasoning: '', answer: 'Two.', isThinking: false })
    expect(tokenizerOf(qwen, R1_TEMPLATE).reasoningAfter(asked)).toMatchObject({ opened: true })
  })

  it('tell whether the thought is open by the prompt alone, whatever the question says', () => {
    const chat = tokenizerOf(qwen)
    expect(chat.reasoningAfter([user('What does <think> mean?')])).toMatchObject({ opened: false })
    const opening = tokenizerOf(qwen, OPENING_TEMPLATE)
    expect(opening.reasoningAfter([user('What does </think> mean?')])).toMatchObject({ opened: true })
  })

  it('read all of an earlier answer that has no thought, and no thought of another model', () => {
    const last = [user('Who am I?')]
    const said = (answer: string): string =>
      spelled(qwen, tokenizerOf(qwen, OPENING_TEMPLATE).encodeChat([user('Hi'), assistant(answer), ...last]))
    const plain = said('Hello Ada.')
    expect(plain).toContain('assistant\nHello Ada.<|im_end|>')
    for (const answer of [
      '[THINK]A guest.[/THINK]Hello Ada.',
      '<think>\nA guest.\n</think>\n\nHello Ada.',
      '<seed:think>A guest.</seed:think>Hello Ada.',
      '<|START_THINKING|>A guest.<|END_THINKING|>Hello Ada.',
      '<|channel>thought\nA guest.<channel|>Hello Ada.',
      '<|channel|>analysis<|message|>A guest.<|end|><|start|>assistant<|channel|>final<|message|>Hello Ada.',
    ])
      expect(said(answer)).toBe(plain)
    expect(said('[THINK] is a mark.')).toContain('[THINK] is a mark.')
  })

  it.each([
    ['thinking', '{% if thinking %}+{% else %}-{% endif %}'],
    ['reasoning', '{% if reasoning %}+{% else %}-{% endif %}'],
    [
      'thinking_budget',
      '{% if thinking_budget is defined and thinking_budget == 0 %}-{% else %}+{% endif %}',
    ],
  ])('are asked not to by the switch of their template: %s', (_, template) => {
    const chat = tokenizerOf(qwen, template)
    expect(spelled(qwen, chat.encodeChat([user('Hi')], { thinking: true }))).toBe('+')
    expect(spelled(qwen, chat.encodeChat([user('Hi')], { thinking: false }))).toBe('-')
  })
})

/** Ends inside the thought unless it is asked not to think, as Qwen 3.5, GLM 4.7 and Nemotron do. */
const OPENING_TEMPLATE =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' and '</think>' in m.content %}{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n<think>\n' }}{% if enable_thinking is defined and enable_thinking is false %}{{ '\n</think>\n\n' }}{% endif %}"

describe('marks that are special tokens', () => {
  it.each([
    [
      ['<|channel|>', '<|message|>', '<|end|>', '<|start|>'],
      "{% if false %}<|channel|>analysis{% endif %}{{ '<|start|>assistant' }}",
      [
        '<|channel|>',
        'analysis',
        '<|message|>',
        'Simple.',
        '<|end|>',
        '<|start|>',
        'assistant',
        '<|channel|>',
        'final',
        '<|message|>',
        '4.',
      ],
    ],
    [
      ['[THINK]', '[/THINK]'],
      '{% if false %}[THINK][/THINK]{% endif %}x',
      ['[THINK]', 'Simple.', '[/THINK]', '4.'],
    ],
    [
      ['<|START_THINKING|>', '<|END_THINKING|>', '<|START_RESPONSE|>', '<|END_RESPONSE|>'],
      '{% if false %}<|START_THINKING|><|END_THINKING|>{% endif %}x',
      ['<|START_THINKING|>', 'Simple.', '<|END_THINKING|>', '<|START_RESPONSE|>', '4.', '<|END_RESPONSE|>'],
    ],
    [
      ['<|channel>', '<channel|>', '<|think|>'],
      '{% if false %}<|channel>thought\n<channel|>{% endif %}x',
      ['<|channel>', 'thought\nSimple.', '<channel|>', '4.'],
    ],
  ])('%j are read before they are dropped', (control, chatTemplate, written) => {
    const chat = createChatTokenizer({
      tokenizerJson: byteLevelTokenizer({ control }),
      tokenizerConfig: {},
      generationConfig: {},
      contextLength: 512,
      chatTemplate,
    })
    const bytesOf = (text: string) => [...new TextEncoder().encode(text)]
    const tokens = written.flatMap((part) =>
      control.includes(part) ? [256 + control.indexOf(part)] : bytesOf(part),
    )
    const stream = createTextStream(chat)
    let text = ''
    for (const token of tokens) text += stream.push([token])
    text += stream.flush()
    const tags = chat.reasoningAfter([user('2+2?')])
    expect(splitReasoning(text, tags!, true)).toEqual({
      reasoning: 'Simple.',
      answer: '4.',
      isThinking: false,
    })
  })
})
