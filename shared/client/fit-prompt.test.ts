import { describe, expect, it } from 'vitest'
import { BUNDLED_MODELS } from '../models/catalogue/bundled.ts'
import { mergeCatalogues } from '../models/catalogue/merge-catalogues.ts'
import type { ChatMessage } from '../engine/tokenizer/chat-message.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { fitPrompt } from './fit-prompt.ts'
import { choiceOf } from './model-choice.ts'

const { manifest, tokenizer } = await readTinyModel('fp32')
const [listed] = mergeCatalogues([{ source: { kind: 'bundled' }, entries: BUNDLED_MODELS }])
const choice = choiceOf(listed!, manifest)
const turn = (n: number): ChatMessage[] => [
  { role: 'user', content: `What is ${n} plus 4?` },
  { role: 'assistant', content: `It is ${n + 4}.` },
]
const last: ChatMessage = { role: 'user', content: 'Tell me a story about a fox.' }

describe('a prompt', () => {
  it('is the chat in tokens, with the defaults of its model', () => {
    const chat = [...turn(3), last]
    expect(fitPrompt(choice, tokenizer, chat)).toEqual({
      droppedTurns: 0,
      prompt: {
        task: 'text-generation',
        model: choice.model,
        promptTokens: tokenizer.encodeChat(chat),
        sampler: { temperature: 0.2, topP: 0.9 },
        maxTokens: 128,
        maxOutputPrice: undefined,
        eosTokens: [...tokenizer.eosTokens],
      },
    })
  })

  it('takes what the asker wants otherwise, and leaves room for an answer of that length', () => {
    const chat = [...turn(3), ...turn(5), last]
    const room = tokenizer.encodeChat([...turn(5), last]).length
    const maxTokens = tokenizer.contextLength - room
    const sampler = { temperature: 0, topP: 1 }
    const { prompt, droppedTurns } = fitPrompt(choice, tokenizer, chat, { maxTokens, sampler })
    expect(droppedTurns).toBe(1)
    expect(prompt).toMatchObject({ maxTokens, sampler })
    expect(prompt.promptTokens).toHaveLength(room)
  })

  it('is refused when the last question alone leaves no room', () => {
    expect(() => fitPrompt(choice, tokenizer, [last], { maxTokens: tokenizer.contextLength })).toThrow(
      expect.objectContaining({ code: 'prompt.too-long' }),
    )
  })

  it('is no longer than those who provide the model take', () => {
    const chat = [...turn(3), ...turn(5), last]
    const contextLength = tokenizer.encodeChat([...turn(5), last]).length + 60
    const { prompt, droppedTurns } = fitPrompt(choice, tokenizer, chat, { maxTokens: 60 }, { contextLength })
    expect(droppedTurns).toBe(1)
    expect(prompt.promptTokens).toHaveLength(contextLength - 60)
    const short = { contextLength: 50 }
    expect(() => fitPrompt(choice, tokenizer, [last], { maxTokens: 45 }, short)).toThrow(
      expect.objectContaining({ code: 'prompt.too-long' }),
    )
  })

  it('leaves a thinker room for its thought, and a long question a shorter answer', () => {
    const { model, sampler } = choice
    const roomy = { model, sampler, answerTokens: 4096 }
    const asked = (question: string) =>
      fitPrompt(roomy, tokenizer, [{ role: 'user', content: question }]).prompt
    expect(asked('Hello').maxTokens).toBe(512) // half of the context of 1024
    const long = 'b c '.repeat(260)
    const { promptTokens, maxTokens } = asked(long)
    expect(promptTokens.length).toBeGreaterThan(512)
    expect(maxTokens).toBe(1024 - promptTokens.length)
  })

  it('leaves a thinker more than a short answer where the text may be long', () => {
    const { model, sampler } = choice
    const long = { ...tokenizer, contextLength: 32_768 }
    const { prompt } = fitPrompt({ model, sampler, answerTokens: 4096 }, long, [last])
    expect(prompt.maxTokens).toBe(4096)
  })
})

describe('what a model is asked for by default', () => {
  it('is an answer with room for a thought, in a text that the wire carries', () => {
    const long = choiceOf(listed!, { ...manifest, id: 'thinker', contextLength: 131_072 })
    expect(long).toMatchObject({ contextLength: 32_768, answerTokens: 4096 })
    const short = choiceOf(listed!, { ...manifest, id: 'thinker', contextLength: 2048 })
    expect(short).toMatchObject({ contextLength: 2048, answerTokens: 1024 })
  })
})
