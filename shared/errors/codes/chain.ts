import type { Codes } from './entry.ts'

export const CHAIN_CODES = {
  'chain.none': {
    says: () => 'This relay is connected to no chain.',
    fix: 'Use another relay, or an endpoint of your own.',
    example: {},
  },
  'chain.unavailable': {
    says: () => 'No node of the chain answers.',
    fix: 'Wait a moment. Look for a transaction on the chain before you send it again.',
    example: {},
  },
  'chain.displaced': {
    says: () => 'Another transaction of the same account took the place of this one.',
    fix: 'Look at what that one did before you send this one again. Let only one program use the key.',
    example: {},
  },
  'chain.busy': {
    says: () => 'Too many chain requests are waiting at the relay.',
    fix: 'Wait a moment, then try again.',
    example: {},
  },
  'chain.rate-limited': {
    says: () => 'Too many chain requests come from this address.',
    fix: 'Wait a moment, or use an endpoint of your own.',
    example: {},
  },
  'chain.method-refused': {
    says: (f) => `The relay does not forward ${f.method ?? 'this method'}.`,
    fix: 'Use an endpoint of your own for it.',
    example: { method: 'eth_sign' },
  },
  'chain.bad-request': {
    says: (f) => `Invalid chain request (${f.field ?? 'request'}).`,
    fix: 'Ask for less at once, or use an endpoint of your own.',
    example: { field: 'batch' },
  },
  'chain.too-large': {
    says: (f) => `The request has more than ${f.maxBytes ?? '?'} bytes.`,
    fix: 'Ask for less at once.',
    example: { maxBytes: 32_768 },
  },
  'chain.not-from-here': {
    says: () => 'The request comes from another site, or is not JSON.',
    fix: "Send JSON, and from a page only from the relay's own.",
    example: {},
  },
  'chain.unknown-name': {
    says: () => 'The page stands under a name that this relay does not know as its own.',
    fix: 'Open the page over https, or by the address of the relay. Its operator names it with --announce.',
    example: {},
  },
} as const satisfies Codes
