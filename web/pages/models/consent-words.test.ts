import { expect, it } from 'vitest'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { consentWords } from './consent-words.ts'

const choice = { name: 'Gemma 3 1B', bytes: 998_000_000 } as ModelChoice

it('asks about what is about to happen, with its size', () => {
  const say = 'Up to 998 MB to download.'
  const lending = { title: 'Lend Gemma 3 1B?', say, accept: 'Accept and lend' }
  expect(consentWords({ choice, purpose: 'lend' })).toEqual(lending)
  const running = { title: 'Run Gemma 3 1B in this tab?', say, accept: 'Accept and run' }
  expect(consentWords({ choice, purpose: 'run' })).toEqual(running)
})
