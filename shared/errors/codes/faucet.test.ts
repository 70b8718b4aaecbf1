import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { FAUCET_CODES } from './faucet.ts'

it('the failures of faucet read well', () => {
  expect(sentencesOf(FAUCET_CODES)).toMatchInlineSnapshot(`
    "
    faucet.none
      This relay gives no test money away.
      fix: Ask its operator, or use a relay with a faucet.
    faucet.bad-address
      That is not an address of an account.
      fix: Give 0x and 40 hexadecimal digits.
    faucet.enough
      This account already has test money.
      fix: Ask again when it is used up.
    faucet.limited
      This network was given test money not long ago.
      bare: This address was given test money not long ago.
      fix: Wait an hour.
    faucet.busy
      Too many are waiting for test money.
      fix: Wait a minute, then try again.
    faucet.empty
      The faucet has nothing to give now.
      fix: Tell the relay's operator, or use another relay.
    faucet.failed
      The faucet could not complete the transfer.
      fix: Look at the balance before you ask again. If it happens again, tell the relay's operator.
    "
  `)
})
