import type { Codes } from './entry.ts'

export const SETTLE_CODES = {
  'settle.bad-network-file': {
    says: (f) => `The network file is invalid (${f.field ?? 'file'}).`,
    fix: 'Write it again with the deploy script.',
    example: { field: 'escrows.0.escrow' },
  },
} as const satisfies Codes
