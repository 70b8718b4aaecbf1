import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { SETTLE_CODES } from './settle.ts'

it('the failures of settle read well', () => {
  expect(sentencesOf(SETTLE_CODES)).toMatchInlineSnapshot(`
    "
    settle.bad-network-file
      The network file is invalid (escrows.0.escrow).
      bare: The network file is invalid (file).
      fix: Write it again with the deploy script.
    "
  `)
})
