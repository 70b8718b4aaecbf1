import { expect, it } from 'vitest'
import { parseRepository } from './parse-repository.ts'

it.each([
  ['owner/name', 'owner/name', undefined],
  ['  HuggingFaceTB/SmolLM2-360M-Instruct ', 'HuggingFaceTB/SmolLM2-360M-Instruct', undefined],
  ['owner/name@refs/pr/3', 'owner/name', 'refs/pr/3'],
  ['https://huggingface.co/owner/name', 'owner/name', undefined],
  ['https://huggingface.co/owner/name/tree/v1.0/onnx', 'owner/name', 'v1.0'],
  ['https://huggingface.co/owner/name?library=x#how', 'owner/name', undefined],
])('reads %s', (text, repository, revision) => {
  expect(parseRepository(text)).toEqual({ repository, revision })
})

it.each([
  '',
  'name',
  'owner/',
  '../name',
  'owner/../x',
  'owner/na me',
  'http://a/owner/name',
  `a/${'x'.repeat(97)}`,
])('reads no name in "%s"', (text) => {
  expect(parseRepository(text)).toBeUndefined()
})
