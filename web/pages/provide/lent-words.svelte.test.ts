import { expect, it } from 'vitest'
import { millis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LentModel } from '../../state/provide/lending.ts'
import { memoryServices } from '../../state/testing/memory-services.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { lentWords, othersWords } from './lent-words.ts'

const [choice] = memoryServices(new FakeClock()).scene.models

function words(change: Partial<LentModel>, thing = 'GPU') {
  const model = {
    place: 'kept',
    progress: undefined,
    loadMs: undefined,
    running: 0,
    answers: 0,
    due: 0n,
  } as const
  const { word, say } = lentWords({ ...model, choice: choice!, error: undefined, ...change }, thing)
  return [word, say]
}

it('says where a model is and what that means for who asks for it', () => {
  expect(words({ place: 'loaded' })).toEqual(['on the GPU', 'Answers at once.'])
  expect(words({ place: 'loaded' }, 'processor')).toEqual(['loaded', 'Answers at once.'])
  expect(words({ loadMs: millis(12_000) })).toEqual([
    'kept here',
    'A prompt for it loads it first, in about 12 s.',
  ])
  expect(
    words({ place: 'loading', running: 1, progress: { phase: 'testing', loadedBytes: 1, totalBytes: 1 } }),
  ).toEqual(['loading', '1 prompt for it waits. Its self-test runs.'])
  expect(
    words({
      place: 'loading',
      progress: { phase: 'downloading', loadedBytes: 4_000_000, totalBytes: 11_000_000 },
    }),
  ).toEqual(['loading', 'It is brought back. 4.0 MB of 11 MB are read.'])
  expect(words({ place: 'unmeasured' })[0]).toBe('not offered yet')
  expect(words({ place: 'measuring' })).toEqual(['testing', 'Loaded and tested once.'])
})

it('says why a model is not offered, and that the others are', () => {
  const error = new InfernetError('models.unavailable', { status: 'no longer on this device' })
  expect(words({ place: 'out', error })).toEqual([
    'not offered',
    'A file of the model could not be loaded (no longer on this device). The other models are lent as before.',
  ])
  expect(words({ place: 'resting', error: new InfernetError('engine.device-lost') })[1]).toMatch(
    / It is offered again in some minutes\.$/,
  )
})

it('says from when the switch has an effect', () => {
  const lent = [{} as LentModel]
  const started = undefined
  expect(othersWords(true, { isProviding: true, lent: [], started })).toMatch(
    /Begins when you switch lending on again\.$/,
  )
  for (const now of [
    { isProviding: false, lent: [], started },
    { isProviding: true, lent, started },
  ])
    expect(othersWords(true, now)).toMatch(/Nothing is downloaded for it\.$/)
})
