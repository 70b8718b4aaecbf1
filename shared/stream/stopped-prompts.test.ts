import { expect, it } from 'vitest'
import { peerName } from '../base/ids.ts'
import type { OpenJob } from './open-job.ts'
import { MAX_STOPPED_PROMPTS, StoppedPrompts } from './stopped-prompts.ts'

const A = peerName('12D3KooWA')
const B = peerName('12D3KooWB')
const writes = (promptTokens: number[], priorTokens: number[] = []) =>
  ({ task: 'text-generation', promptTokens, priorTokens }) as unknown as OpenJob
const reads = (texts: number[][]) => ({ task: 'feature-extraction', texts }) as unknown as OpenJob

it('knows a prompt again from the same consumer, however much of it is written by then', () => {
  const stopped = new StoppedPrompts()
  stopped.add(A, writes([1, 2]))
  stopped.add(A, reads([[1], [2]]))
  expect(stopped.has(A, writes([1, 2], [3]))).toBe(true)
  expect(stopped.has(A, reads([[1], [2]]))).toBe(true)
  expect(stopped.has(B, writes([1, 2]))).toBe(false)
  expect(stopped.has(A, writes([1]))).toBe(false)
  expect(stopped.has(A, reads([[1, 2]]))).toBe(true) // the same tokens as one text: the prompt that was stopped
})

it('forgets the one that was stopped longest ago', () => {
  const stopped = new StoppedPrompts()
  stopped.add(A, writes([1]))
  stopped.add(A, writes([2]))
  stopped.add(A, writes([1])) // stopped again
  for (let i = 1; i < MAX_STOPPED_PROMPTS; i++) stopped.add(A, writes([9, i]))
  expect(stopped.has(A, writes([1]))).toBe(true)
  expect(stopped.has(A, writes([2]))).toBe(false)
})
