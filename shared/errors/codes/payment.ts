import type { Codes } from './entry.ts'

export const PAYMENT_CODES = {
  'payment.required': {
    says: () => 'This provider needs payment; none was sent.',
    fix: 'Make a deposit, or ask a free provider.',
    example: {},
  },
  'payment.unpaid': {
    says: () => 'The payment for the next block did not come.',
    fix: 'Check the deposit and the session.',
    example: {},
  },
  'payment.debts': {
    says: () => 'This payer left blocks unpaid lately.',
    fix: 'Wait an hour, or ask another provider.',
    example: {},
  },
  'payment.bad-voucher': {
    says: (f) => `A payment is invalid (${f.reason ?? 'unknown'}).`,
    fix: 'Open a new session.',
    example: { reason: 'signature' },
  },
  'payment.stale': {
    says: () => 'A payment is lower than an earlier one.',
    fix: 'Nothing to do: the higher one counts.',
    example: {},
  },
  'payment.wrong-payee': {
    says: (f) => `A payment or price names somebody else (${f.field ?? 'payee'}).`,
    fix: 'Ask another provider.',
    example: { field: 'binding' },
  },
  'payment.wrong-chain': {
    says: () => 'The payment is on a chain or contract that is not known here.',
    fix: 'Check the chain, or ask another provider.',
    example: { chainId: 31_337 },
  },
  'payment.not-as-offered': {
    says: () => 'The quote asks for another payment than the offer.',
    fix: 'Ask another provider.',
    example: {},
  },
  'payment.wrong-epoch': {
    says: () => 'The payment belongs to a deposit that was withdrawn.',
    fix: 'Make a new deposit.',
    example: {},
  },
  'payment.no-session': {
    says: () => 'The chain does not know the key that signs the payments.',
    fix: 'Open a session, or wait until its transaction is confirmed.',
    example: {},
  },
  'payment.expired-session': {
    says: () => 'The session that signs the payments has expired.',
    fix: 'Open a new session.',
    example: {},
  },
  'payment.session-spent': {
    says: () => 'The session has spent all that it may.',
    fix: 'Open a new session, or one with a higher cap.',
    example: { needed: '400', free: '120' },
  },
  'payment.no-deposit': {
    says: () => 'The deposit is too small for this.',
    fix: 'Add to the deposit.',
    example: { needed: '400', free: '120' },
  },
  'payment.credit-used': {
    says: () => 'This payer owes the provider as much as it lends before a claim.',
    fix: 'Ask another provider, or wait until this one has claimed.',
    example: { needed: '400', free: '120' },
  },
  'payment.withdrawal-pending': {
    says: () => 'The deposit is being withdrawn, so it cannot pay.',
    fix: 'Cancel the withdrawal, or make a new deposit: that cancels it, too.',
    example: {},
  },
  'payment.over-limit': {
    says: () => 'This would cost more than your limit for one answer.',
    fix: 'Raise the limit, shorten the prompt or ask for a shorter answer.',
    example: {},
  },
  'payment.chain-unreachable': {
    says: () => 'The chain does not answer, so the deposit cannot be checked.',
    fix: 'Check the connection to the chain.',
    example: { limitMs: 8000 },
  },
  'payment.no-record': {
    says: () => 'The record of payments cannot be read or written here.',
    fix: 'Free some storage. Nothing is paid without a record.',
    example: {},
  },
  'payment.box-full': {
    says: () => 'The relay holds as many vouchers as it can.',
    fix: 'Claim them yourself, or leave them with another relay.',
    example: {},
  },
} as const satisfies Codes
