import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { WIRE_CODES } from './wire.ts'

it('the failures of wire read well', () => {
  expect(sentencesOf(WIRE_CODES)).toMatchInlineSnapshot(`
    "
    wire.malformed
      A message does not fit the protocol (expiresAt).
      bare: A message does not fit the protocol.
      fix: Check that both sides run the newest version.
    wire.too-large
      A message is over the limit of 65536 bytes.
      bare: A message is over the limit of ? bytes.
      fix: Send less at once.
    wire.timeout
      No answer came within 10000 ms.
      bare: No answer came within ? ms.
      fix: Check the connection.
    wire.closed
      The other side closed the connection.
      fix: Check the connection.
    wire.bad-signature
      The signature of a quote is wrong.
      bare: The signature of a message is wrong.
      fix: Nothing to do: it was not used.
    wire.unexpected
      A "receipt" message came at the wrong time.
      bare: A "?" message came at the wrong time.
      fix: Check that both sides run the newest version.
    wire.other-version
      The other side does not speak this version of the protocol.
      fix: Check that both sides run the newest version.
    "
  `)
})
