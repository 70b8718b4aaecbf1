import { expect, it } from 'vitest'
import { sentencesOf } from '../../testing/sentences.ts'
import { PAYMENT_CODES } from './payment.ts'

it('the failures of payment read well', () => {
  expect(sentencesOf(PAYMENT_CODES)).toMatchInlineSnapshot(`
    "
    payment.required
      This provider needs payment; none was sent.
      fix: Make a deposit, or ask a free provider.
    payment.unpaid
      The payment for the next block did not come.
      fix: Check the deposit and the session.
    payment.debts
      This payer left blocks unpaid lately.
      fix: Wait an hour, or ask another provider.
    payment.bad-voucher
      A payment is invalid (signature).
      bare: A payment is invalid (unknown).
      fix: Open a new session.
    payment.stale
      A payment is lower than an earlier one.
      fix: Nothing to do: the higher one counts.
    payment.wrong-payee
      A payment or price names somebody else (binding).
      bare: A payment or price names somebody else (payee).
      fix: Ask another provider.
    payment.wrong-chain
      The payment is on a chain or contract that is not known here.
      fix: Check the chain, or ask another provider.
    payment.not-as-offered
      The quote asks for another payment than the offer.
      fix: Ask another provider.
    payment.wrong-epoch
      The payment belongs to a deposit that was withdrawn.
      fix: Make a new deposit.
    payment.no-session
      The chain does not know the key that signs the payments.
      fix: Open a session, or wait until its transaction is confirmed.
    payment.expired-session
      The session that signs the payments has expired.
      fix: Open a new session.
    payment.session-spent
      The session has spent all that it may.
      fix: Open a new session, or one with a higher cap.
    payment.no-deposit
      The deposit is too small for this.
      fix: Add to the deposit.
    payment.credit-used
      This payer owes the provider as much as it lends before a claim.
      fix: Ask another provider, or wait until this one has claimed.
    payment.withdrawal-pending
      The deposit is being withdrawn, so it cannot pay.
      fix: Cancel the withdrawal, or make a new deposit: that cancels it, too.
    payment.over-limit
      This would cost more than your limit for one answer.
      fix: Raise the limit, shorten the prompt or ask for a shorter answer.
    payment.chain-unreachable
      The chain does not answer, so the deposit cannot be checked.
      fix: Check the connection to the chain.
    payment.no-record
      The record of payments cannot be read or written here.
      fix: Free some storage. Nothing is paid without a record.
    payment.box-full
      The relay holds as many vouchers as it can.
      fix: Claim them yourself, or leave them with another relay.
    "
  `)
})
