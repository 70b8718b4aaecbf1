import { expect, it } from 'vitest'
import { someModel } from '../testing/peers.ts'
import { checkPrompt } from './check-prompt.ts'
import type { Prompt } from './prompt.ts'

const good: Prompt = {
  task: 'text-generation',
  model: someModel(),
  promptTokens: [1, 2, 3],
  sampler: { temperature: 0.7, topP: 0.9 },
  maxTokens: 100,
  maxOutputPrice: undefined,
}
const many = (count: number): number[] => Array.from({ length: count }, () => 1)

it('lets through what every provider can read', async () => {
  await expect(checkPrompt(good)).resolves.toBeUndefined()
  const longest = { ...good, promptTokens: many(32_767), maxTokens: 8192 }
  await expect(checkPrompt(longest)).resolves.toBeUndefined()
})

it.each<[Partial<Prompt>, object]>([
  [{ promptTokens: many(32_768) }, { code: 'prompt.too-long', facts: { tokens: 32_768, maxTokens: 32_767 } }],
  [{ promptTokens: [] }, { code: 'prompt.bad-parameters', facts: { parameter: 'promptTokens' } }],
  [{ maxTokens: 8193 }, { code: 'prompt.bad-parameters', facts: { parameter: 'maxTokens' } }],
  [{ maxTokens: 0 }, { code: 'prompt.bad-parameters', facts: { parameter: 'maxTokens' } }],
  [
    { sampler: { temperature: 3, topP: 1 } },
    { code: 'prompt.bad-parameters', facts: { parameter: 'temperature' } },
  ],
  [
    { sampler: { temperature: 1, topP: 1, grammar: { kind: 'gbnf', grammar: 'a'.repeat(20_000) } } },
    { code: 'prompt.bad-parameters', facts: { parameter: 'grammar' } },
  ],
])('names what nobody could read', async (change, error) => {
  await expect(checkPrompt({ ...good, ...change })).rejects.toMatchObject(error)
})
