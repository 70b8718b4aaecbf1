import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { PEER_CODES } from './peer.ts'

it('the failures of peer read well', () => {
  expect(sentencesOf(PEER_CODES)).toMatchInlineSnapshot(`
    "
    peer.refused
      The other side refused for a reason that this version does not know.
      fix: Update to the newest version.
    "
  `)
})
