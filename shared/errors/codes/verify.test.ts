import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { VERIFY_CODES } from './verify.ts'

it('the failures of verify read well', () => {
  expect(sentencesOf(VERIFY_CODES)).toMatchInlineSnapshot(`
    "
    verify.no-commitments
      The provider signed no sketches with this answer, so nobody can check it.
      fix: Ask again, of a provider of today.
    verify.bad-openings
      The provider opened sketches that are not those that it signed (root).
      bare: The provider opened sketches that are not those that it signed.
      fix: Do not trust this answer.
    verify.withheld
      The provider did not open the sketches that it signed.
      fix: Ask again within the time that they are kept, or ask another provider.
    verify.not-kept
      Nothing is kept of this job any more.
      fix: Check an answer within a day.
    verify.no-verifier
      Nobody else offers this model right now, so nobody can check the answer.
      fix: Wait for a second provider, or check it with an engine of your own.
    verify.busy
      The verifier has as many checks as it takes.
      fix: Ask another verifier.
    verify.rate-limited
      This peer asks for more checks than the verifier takes of one.
      fix: Wait a moment, then try again.
    verify.bad-request
      This cannot be checked (question).
      bare: This cannot be checked.
      fix: Export the answer again, whole.
    verify.bad-verdict
      The verdict does not fit what it is about (sketches).
      bare: The verdict does not fit what it is about.
      fix: Ask another verifier.
    verify.bad-evidence
      This file does not prove its verdict (tokens).
      bare: This file does not prove its verdict.
      fix: Export it again. If that fails too, do not trust it.
    verify.bad-golden
      The record of golden sketches is wrong (model).
      bare: The record of golden sketches is wrong.
      fix: Ask its provider to start again.
    verify.bad-calibration
      This file does not say what honest machines differ by (pairs).
      bare: This file does not say what honest machines differ by.
      fix: Make it again: npm run calibrate.
    verify.records-full
      The relay keeps as many records as it can.
      fix: Use another relay.
    verify.record-expired
      The record has expired, or comes from a time that is not now.
      fix: Check that the clocks of both computers are right.
    verify.record-stale
      A newer record is known.
      fix: Nothing to do.
    verify.unknown-provider
      The relay knows nothing of the provider that this verdict is about.
      fix: Tell a relay where it offers something.
    "
  `)
})
