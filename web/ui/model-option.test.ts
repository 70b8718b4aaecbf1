import { expect, it } from 'vitest'
import { searchOptions, type ModelOption } from './model-option.ts'

const option = (name: string, change: Partial<ModelOption> = {}): ModelOption => ({
  value: name,
  name,
  note: '',
  price: undefined,
  isFree: false,
  live: 0,
  facts: '',
  doubts: [],
  isHere: true,
  fits: undefined,
  ...change,
})
const all = [
  option('Qwen3 0.6B', { note: 'Thinks; many languages', fits: true }),
  option('Llama 3.2', { facts: 'licence llama3.2', fits: false }),
  option('Phí 4', { fits: undefined }),
]
const found = (text: string, onlyFitting = false) =>
  searchOptions(all, text, { onlyFitting }).map(({ name }) => name)

it('finds each word anywhere, whatever its case and its accents', () => {
  expect(found('')).toHaveLength(3)
  expect(found('  LANGUAGES qwen ')).toEqual(['Qwen3 0.6B'])
  expect(found('phi')).toEqual(['Phí 4'])
  expect(found('licence')).toEqual(['Llama 3.2'])
  expect(found('qwen llama')).toEqual([])
})

it('leaves out what does not fit, and what is not known to', () => {
  expect(found('', true)).toEqual(['Qwen3 0.6B'])
})
