import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InfernetError } from '../../errors/infernet-error.ts'
import { readTinyModel } from '../../testing/tiny-model.ts'
import type { ChatMessage } from './chat-message.ts'
import { fitTurns, type FittedTurns } from './fit-turns.ts'

const { tokenizer } = await readTinyModel('fp32')
const message = (role: ChatMessage['role'], content: string): ChatMessage => ({ role, content })
const user = (content: string): ChatMessage => message('user', content)
const turns = (count: number): ChatMessage[] =>
  Array.from({ length: count }, (_, i) => [user(`What is ${i}?`), message('assistant', `It is ${i}.`)]).flat()

type Encode = (messages: readonly ChatMessage[]) => readonly number[]

/** Turn by turn, as it is defined. */
function naive(messages: readonly ChatMessage[], encode: Encode, maxTokens: number): FittedTurns<number> {
  let left = messages
  for (let droppedTurns = 0; ; droppedTurns++) {
    const tokens = encode(left)
    if (tokens.length <= maxTokens) return { messages: left, tokens, droppedTurns }
    const head = left.findIndex(({ role }) => role !== 'system')
    const last = left.findLastIndex(({ role }) => role === 'user')
    if (head < 0 || head >= last)
      throw new InfernetError('prompt.too-long', { tokens: tokens.length, maxTokens })
    const next = left.findIndex(({ role }, i) => i > head && role === 'user')
    left = [...left.slice(0, head), ...left.slice(next)]
  }
}

function outcome<T>(run: () => T): unknown {
  try {
    return run()
  } catch (error) {
    return error instanceof InfernetError ? [error.code, error.facts] : error
  }
}

describe('fitTurns', () => {
  it('leaves out the same turns as trying one after the other', () => {
    const chat = fc.array(
      fc.record({
        role: fc.constantFrom('user', 'user', 'assistant', 'assistant', 'system'),
        content: fc.constantFrom('', 'a', 'Tell me a story.', '<|im_end|>', 'one two three four five six'),
      }),
      { maxLength: 24 },
    )
    fc.assert(
      fc.property(chat, fc.integer({ min: -1, max: 200 }), (messages, maxTokens) => {
        const encode: Encode = (left) => tokenizer.encodeChat(left)
        expect(outcome(() => fitTurns(messages, encode, maxTokens))).toEqual(
          outcome(() => naive(messages, encode, maxTokens)),
        )
      }),
    )
  })

  it('encodes a long talk a few times, not once for each turn', () => {
    for (const count of [1, 2, 10, 200, 1000]) {
      const talk = [...turns(count), user('And then?')]
      for (const kept of [0, 1, Math.floor(count / 2), count - 1]) {
        let encodes = 0
        const encode: Encode = (left) => {
          encodes++
          return Array<number>(left.length * 10).fill(0)
        }
        const { droppedTurns } = fitTurns(talk, encode, (2 * kept + 1) * 10)
        expect(droppedTurns).toBe(count - kept)
        expect(encodes).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(count + 1)))
      }
    }
  })

  it('encodes a talk that fits once', () => {
    let encodes = 0
    fitTurns([...turns(50), user('a')], () => (encodes++, [1]), 10)
    expect(encodes).toBe(1)
  })

  it('tries all where less said is seen to be more tokens', () => {
    const talk = [...turns(8), user('a')]
    // A template that writes most for a chat of 9 messages.
    const encode: Encode = (left) => Array<number>(left.length === 9 ? 100 : left.length).fill(0)
    for (const maxTokens of [1, 4, 8, 10, 12, 16]) {
      expect(fitTurns(talk, encode, maxTokens)).toEqual(naive(talk, encode, maxTokens))
    }
  })
})
