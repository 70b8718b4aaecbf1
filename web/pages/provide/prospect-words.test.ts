import { expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { BUNDLED_MODELS } from '#shared/models/catalogue/bundled.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { Prospect } from '../../state/models/prospects.svelte.ts'
import { earnWords, effortWords, fitOf } from './prospect-words.ts'

const price = baseUnits(38n * 10n ** 17n)
const choice: ModelChoice = {
  ...{ model: modelHash('b2'.repeat(32)), name: 'Smol', note: '', contextLength: 1024, answerTokens: 256 },
  ...{ sampler: { temperature: 0, topP: 1 }, bytes: 262_000_000, examples: [] },
  suggestedPrice: { outputPerMillion: price, promptPerMillion: price },
  task: 'text-generation',
  listed: { entry: BUNDLED_MODELS[0]!, sources: [], isPinned: false, otherNames: [], sharesName: false },
}
const gpu = {
  ...{ label: 'gpu', info: undefined, software: false, largestBufferBytes: 1 },
  ...{ halfPrecision: true, subgroups: false, problem: undefined },
}
const unknown: Prospect = {
  ...{ choice, gpu, speed: undefined, fullHour: undefined, use: undefined, likelyHour: undefined },
}
const tiny = { ...choice, name: 'Tiny' }
const known = {
  ...unknown,
  ...{ speed: { tokensPerSecond: 20, from: tiny, isOwn: false }, fullHour: baseUnits(273n * 10n ** 15n) },
}

it('keeps apart what is too large, what needs the processor, and what is not known', () => {
  const of = (problem: InfernetError) => fitOf({ ...unknown, gpu: { ...gpu, problem } }).word
  expect([fitOf(unknown).word, fitOf({ ...unknown, gpu: undefined }).word]).toEqual(['fits', 'looking'])
  expect(of(new InfernetError('engine.limits'))).toBe('too large')
  expect(of(new InfernetError('engine.no-webgpu'))).toBe('processor only')
})

it('says from what a speed is judged', () => {
  expect(effortWords(unknown)).toBe('262 MB, licence apache-2.0')
  expect(effortWords(known)).toBe('262 MB, licence apache-2.0. About 20 tok/s, judging by Tiny here.')
  expect(effortWords({ ...known, speed: { ...known.speed, isOwn: true } })).toContain(
    'its last self-test here',
  )
})

it('gives no figure for what is not known, and the ground of each that it gives', () => {
  expect(earnWords(unknown, true)).toEqual({
    amount: 'not known yet',
    why: 'Known after a self-test here. List price: 3.8 INF for a million tokens',
  })
  expect(earnWords(known, true).amount).toBe('at most 0.27 INF an hour')
  const busy = { ...known, use: { busy: 3, slots: 8 }, likelyHour: baseUnits(10n ** 17n) }
  expect(earnWords(busy, true)).toEqual({
    amount: 'about 0.1 INF an hour',
    why: '3 of 8 places are taken now; 0.27 INF when always busy',
  })
  expect(earnWords({ ...busy, use: { busy: 0, slots: 8 }, likelyHour: baseUnits(0n) }, true).amount).toBe(
    'nothing at the moment',
  )
  expect(earnWords(busy, false).amount).toBe('nothing is paid here')
})
