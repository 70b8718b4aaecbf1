import { describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { isEarlyStop } from './early-stop.ts'

const prompt: Prompt = {
  task: 'text-generation',
  model: modelHash('a1'.repeat(32)),
  promptTokens: [1, 3, 4],
  sampler: { temperature: 1, topP: 1, stop: [[7, 8], [9]] },
  maxTokens: 8,
  maxOutputPrice: undefined,
  eosTokens: [2, 5],
}
const room = { finish: 'stop', contextLength: 100 } as const

describe('an answer', () => {
  it.each([
    ['an end token', [10, 11, 5]],
    ['a stop sequence', [10, 7, 8]],
    ['a stop sequence of one token', [9]],
  ])('that stops at %s is whole', (_, tokens) => {
    expect(isEarlyStop(prompt, tokens, room)).toBe(false)
  })

  it.each([
    ['at no such token', [10, 11, 12]],
    ['at the first part of a stop sequence', [10, 7]],
    ['after an end token, at another one', [5, 10]],
    ['before its first token', []],
  ])('that stops %s is not', (_, tokens) => {
    expect(isEarlyStop(prompt, tokens, room)).toBe(true)
  })

  it('is judged by nobody who does not know where it may end', () => {
    const { eosTokens: _, ...unknown } = prompt
    expect(isEarlyStop(unknown, [10], room)).toBe(false)
    const formed = { ...prompt, sampler: { ...prompt.sampler, grammar: { kind: 'json' } as const } }
    expect(isEarlyStop(formed, [10], room)).toBe(false)
  })

  it('is as long as it may be where its length ended it: by the prompt, or by what the provider holds', () => {
    const length = { finish: 'length', contextLength: 100 } as const
    const tokens = [10, 11, 12, 13, 14, 15, 16, 17]
    expect(isEarlyStop(prompt, tokens, length)).toBe(false)
    expect(isEarlyStop(prompt, tokens.slice(1), length)).toBe(true)
    expect(isEarlyStop(prompt, tokens.slice(3), { ...length, contextLength: 8 })).toBe(false)
    expect(isEarlyStop(prompt, tokens.slice(4), { ...length, contextLength: 8 })).toBe(true)
  })
})
