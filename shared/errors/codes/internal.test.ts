import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { INTERNAL_CODES } from './internal.ts'

it('the failures of internal read well', () => {
  expect(sentencesOf(INTERNAL_CODES)).toMatchInlineSnapshot(`
    "
    internal
      Something went wrong here.
      fix: Tell the developers what you did.
    "
  `)
})
