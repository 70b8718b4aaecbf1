import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { PROMPT_CODES } from './prompt.ts'

it('the failures of prompt read well', () => {
  expect(sentencesOf(PROMPT_CODES)).toMatchInlineSnapshot(`
    "
    prompt.too-long
      The prompt has 1200 tokens; at most 1023 fit.
      bare: The prompt has ? tokens; at most ? fit.
      fix: Shorten the prompt.
    prompt.bad-parameters
      The parameter temperature is out of range.
      bare: The parameter ? is out of range.
      fix: Correct it, or leave it at its default.
    prompt.quote-limit
      Too many price offers are open at once.
      fix: Wait a moment, then ask again.
    prompt.quote-expired
      The price offer has expired.
      fix: Ask for a new price.
    prompt.quote-unknown
      The price offer was used before or never made.
      fix: Ask for a new price.
    prompt.price-too-high
      The price is above your limit.
      fix: Raise the limit or choose another model.
    "
  `)
})
