import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { SCHEDULE_CODES } from './schedule.ts'

it('the failures of schedule read well', () => {
  expect(sentencesOf(SCHEDULE_CODES)).toMatchInlineSnapshot(`
    "
    schedule.no-relay
      No relay answers.
      fix: Check the connection and the relay's address.
    schedule.no-provider
      No provider offers this model right now.
      fix: Wait for one, or provide it yourself.
    schedule.none-trusted
      Every provider of this model was found twice to send what the model did not write.
      fix: Wait for another provider, or provide the model yourself.
    schedule.filling
      The relay has just started, and its providers are still coming back.
      fix: Wait some seconds, then ask again.
    schedule.offer-expired
      The offer has expired.
      fix: Check that the clocks of both computers are right.
    schedule.offer-stale
      A newer offer is known.
      fix: Nothing to do.
    schedule.seeds-expired
      The record of what a peer passes on has expired.
      fix: Check that the clocks of both computers are right.
    schedule.seeds-stale
      A newer record of what the peer passes on is known.
      fix: Nothing to do.
    schedule.directory-full
      The relay holds as many offers as it can.
      fix: Use another relay.
    schedule.not-introduced
      The relay sends nobody to this provider: its operator is jailed.
      fix: Look at every account that its peer key ever signed for. The relay takes offers again once none is jailed.
    schedule.not-reachable
      The relay sends nobody to this provider: it has no place there, and none of its addresses answers.
      fix: Get a place at the relay, or offer an address that the relay can dial.
    schedule.maintenance
      The relay is in maintenance and takes no new offers.
      fix: Use another relay, or wait until it is over.
    schedule.flooded
      The relay sends more than it was asked for.
      fix: Use another relay.
    schedule.rate-limited
      The relay gets too many requests from this address.
      fix: Wait a moment, then try again.
    "
  `)
})
