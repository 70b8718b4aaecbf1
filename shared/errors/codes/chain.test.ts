import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { CHAIN_CODES } from './chain.ts'

it('the failures of chain read well', () => {
  expect(sentencesOf(CHAIN_CODES)).toMatchInlineSnapshot(`
    "
    chain.none
      This relay is connected to no chain.
      fix: Use another relay, or an endpoint of your own.
    chain.unavailable
      No node of the chain answers.
      fix: Wait a moment. Look for a transaction on the chain before you send it again.
    chain.displaced
      Another transaction of the same account took the place of this one.
      fix: Look at what that one did before you send this one again. Let only one program use the key.
    chain.busy
      Too many chain requests are waiting at the relay.
      fix: Wait a moment, then try again.
    chain.rate-limited
      Too many chain requests come from this address.
      fix: Wait a moment, or use an endpoint of your own.
    chain.method-refused
      The relay does not forward eth_sign.
      bare: The relay does not forward this method.
      fix: Use an endpoint of your own for it.
    chain.bad-request
      Invalid chain request (batch).
      bare: Invalid chain request (request).
      fix: Ask for less at once, or use an endpoint of your own.
    chain.too-large
      The request has more than 32768 bytes.
      bare: The request has more than ? bytes.
      fix: Ask for less at once.
    chain.not-from-here
      The request comes from another site, or is not JSON.
      fix: Send JSON, and from a page only from the relay's own.
    chain.unknown-name
      The page stands under a name that this relay does not know as its own.
      fix: Open the page over https, or by the address of the relay. Its operator names it with --announce.
    "
  `)
})
