import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { ORIGIN_CODES } from './origin.ts'

it('the failures of origins read well', () => {
  expect(sentencesOf(ORIGIN_CODES)).toMatchInlineSnapshot(`
    "
    origin.not-found
      The model was not found: the hub shows no repository owner/name, because there is none or it is private.
      bare: The model was not found: its source does not have it.
      fix: Check the name. If the repository is private, use the token of an account that may read it.
    origin.gated
      The hub does not give owner/name to the account of this token.
      bare: The hub gives this model only to accounts that accepted its terms.
      fix: Accept the terms on its page at the hub, then use a token of that account.
    origin.unaccepted
      The licence llama3.2 was not accepted, so nothing was loaded.
      bare: The licence was not accepted, so nothing was loaded.
      fix: Read the licence, then accept it or choose another model.
    origin.unsuitable
      This model cannot be added: owner/name has no precision q4, only fp16.
      bare: This model cannot be added: it lacks what we need.
      fix: Choose another precision, or another repository.
    origin.faulty
      The source cannot be used: it sends requests round in a circle.
      bare: The source cannot be used: its answer makes no sense.
      fix: Nothing wrong was kept. Try again later, or use another source.
    origin.changed
      The source changed the file model.onnx while it was being loaded.
      bare: The source changed a file while it was being loaded.
      fix: Nothing wrong was kept. Start again.
    origin.not-as-listed
      The source sent other bytes for the file model.onnx than it lists.
      bare: The source sent other bytes for a file than it lists.
      fix: Nothing wrong was kept. Try again later, or use another source.
    origin.busy
      The source takes no more requests from here for 900 seconds.
      bare: The source takes no more requests from here for some seconds.
      fix: Try again after that. What has come is kept.
    origin.silent
      The source sent nothing for 30 seconds.
      bare: The source sent nothing for some seconds.
      fix: Check the connection, then try again. What has come is kept.
    "
  `)
})
