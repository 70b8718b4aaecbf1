import { expect, it } from 'vitest'
import { lendWantedWords } from './lend-words.ts'

const known = { battery: false, line: false }

it('says what the mode does, what it waits for, and what the browser does not tell', () => {
  expect(lendWantedWords({ on: false, hold: undefined, unknowns: known }, undefined)).toMatch(
    /^When nobody uses this page, this tab downloads and lends/,
  )
  expect(lendWantedWords({ on: true, hold: undefined, unknowns: known }, undefined)).toBe(
    'It looks for a model within a minute.',
  )
  expect(lendWantedWords({ on: true, hold: 'battery', unknowns: known }, undefined)).toBe(
    'Waits until the device is charged.',
  )
  expect(
    lendWantedWords({ on: true, hold: undefined, unknowns: { ...known, battery: true } }, 'SmolLM2 360M'),
  ).toBe(
    'It may change from SmolLM2 360M to a model that is wanted more. This browser doesn’t say whether the device is charged.',
  )
})
