import type { Codes } from './entry.ts'

export const FAUCET_CODES = {
  'faucet.none': {
    says: () => 'This relay gives no test money away.',
    fix: 'Ask its operator, or use a relay with a faucet.',
    example: {},
  },
  'faucet.bad-address': {
    says: () => 'That is not an address of an account.',
    fix: 'Give 0x and 40 hexadecimal digits.',
    example: {},
  },
  'faucet.enough': {
    says: () => 'This account already has test money.',
    fix: 'Ask again when it is used up.',
    example: {},
  },
  'faucet.limited': {
    says: (f) => `This ${f.of ?? 'address'} was given test money not long ago.`,
    fix: 'Wait an hour.',
    example: { of: 'network' },
  },
  'faucet.busy': {
    says: () => 'Too many are waiting for test money.',
    fix: 'Wait a minute, then try again.',
    example: {},
  },
  'faucet.empty': {
    says: () => 'The faucet has nothing to give now.',
    fix: "Tell the relay's operator, or use another relay.",
    example: {},
  },
  'faucet.failed': {
    says: () => 'The faucet could not complete the transfer.',
    fix: "Look at the balance before you ask again. If it happens again, tell the relay's operator.",
    example: {},
  },
} as const satisfies Codes
