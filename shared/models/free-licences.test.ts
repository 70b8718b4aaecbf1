import { expect, it } from 'vitest'
import { BUNDLED_MODELS } from './catalogue/bundled.ts'
import { needsAcceptance } from './free-licences.ts'

it.each([
  ['apache-2.0', false, false],
  ['mit', false, false],
  ['cc-by-sa-4.0', false, false],
  ['apache-2.0', true, true],
  ['llama3.2', false, true],
  ['gemma', false, true],
  ['agpl-3.0', false, true],
  ['cc-by-nc-4.0', false, true],
  ['unknown', false, true],
  ['none', false, true],
])('%s, gated at its hub %s: whether somebody has to accept it is %s', (id, isGated, needs) => {
  expect(needsAcceptance({ id, isGated })).toBe(needs)
})

it('of the bundled models those ask whose licence has terms for their use', () => {
  const asking = BUNDLED_MODELS.filter(({ licence }) => needsAcceptance(licence)).map(({ id }) => id)
  expect(asking).toEqual(['llama-3.2-1b-instruct', 'gemma-3-270m-it', 'gemma-3-1b-it'])
})
