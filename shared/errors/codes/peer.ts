import type { Codes } from './entry.ts'

export const PEER_CODES = {
  'peer.refused': {
    says: () => 'The other side refused for a reason that this version does not know.',
    fix: 'Update to the newest version.',
    example: { code: 'stream.too-clever' },
  },
} as const satisfies Codes
