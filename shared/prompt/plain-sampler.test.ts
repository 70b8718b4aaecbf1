import { expect, it } from 'vitest'
import type { SamplerParams } from '../engine/engine.ts'
import { plainSampler } from './plain-sampler.ts'

const bare: SamplerParams = { temperature: 0.7, topP: 0.9 }

it.each<[string, SamplerParams, SamplerParams]>([
  ['top-k 0', { ...bare, topK: 0, minP: 0.1 }, { ...bare, minP: 0.1 }],
  ['top-k -1', { ...bare, topK: -1 }, bare],
  ['top-p 0', { ...bare, topP: 0 }, { ...bare, topP: 1, topK: 1 }],
  ['top-p 0 beside top-k 40', { ...bare, topP: 0, topK: 40 }, { ...bare, topP: 1, topK: 1 }],
  ['top-p 0 beside top-k off', { ...bare, topP: 0, topK: -1 }, { ...bare, topP: 1, topK: 1 }],
])('%s is said so that older peers read it', (_, sampler, plain) => {
  expect(plainSampler(sampler)).toEqual(plain)
})

it('leaves alone what all peers read', () => {
  const full: SamplerParams = { ...bare, topK: 40, minP: 0.5, stop: [[1]], logitBias: [[5, 1]] }
  expect(plainSampler(full)).toEqual(full)
  expect(plainSampler(bare)).toEqual(bare)
})
