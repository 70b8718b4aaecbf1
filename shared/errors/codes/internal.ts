import type { Codes } from './entry.ts'

export const INTERNAL_CODES = {
  internal: {
    says: () => 'Something went wrong here.',
    fix: 'Tell the developers what you did.',
    example: { reason: 'loaded twice' },
  },
} as const satisfies Codes
