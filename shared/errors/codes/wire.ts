import { inBrackets, type Codes } from './entry.ts'

const SAME_VERSION = 'Check that both sides run the newest version.'

export const WIRE_CODES = {
  'wire.malformed': {
    says: (f) => `A message does not fit the protocol${inBrackets(f.field)}.`,
    fix: SAME_VERSION,
    example: { field: 'expiresAt' },
  },
  'wire.too-large': {
    says: (f) => `A message is over the limit of ${f.maxBytes ?? '?'} bytes.`,
    fix: 'Send less at once.',
    example: { maxBytes: 65_536 },
  },
  'wire.timeout': {
    says: (f) => `No answer came within ${f.limitMs ?? '?'} ms.`,
    fix: 'Check the connection.',
    example: { limitMs: 10_000 },
  },
  'wire.closed': {
    says: () => 'The other side closed the connection.',
    fix: 'Check the connection.',
    example: {},
  },
  'wire.bad-signature': {
    says: (f) => `The signature of a ${f.noun ?? 'message'} is wrong.`,
    fix: 'Nothing to do: it was not used.',
    example: { noun: 'quote' },
  },
  'wire.unexpected': {
    says: (f) => `A "${f.got ?? '?'}" message came at the wrong time.`,
    fix: SAME_VERSION,
    example: { got: 'receipt' },
  },
  'wire.other-version': {
    says: () => 'The other side does not speak this version of the protocol.',
    fix: SAME_VERSION,
    example: {},
  },
} as const satisfies Codes
