import { expect, it } from 'vitest'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { consentWords } from './consent-words.ts'

const choice = { name: 'Gemma 3 1B', bytes: 998_000_000 } as ModelChoice

it('asks about what is about to happen, with its size', () => {
  expect(consentWords({ choice, purpose: 'lend' })).toEqual({
    title: 'Lend Gemma 3 1B?',
    accept: 'Accept and lend, up to 998 MB to load',
  })
  expect(consentWords({ choice, purpose: 'run' })).toEqual({
    title: 'Run Gemma 3 1B in this tab?',
    accept: 'Accept and run, up to 998 MB to load',
  })
})
