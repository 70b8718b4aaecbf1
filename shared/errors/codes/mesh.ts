import type { Codes } from './entry.ts'

export const MESH_CODES = {
  'mesh.outdated': {
    says: () => 'The network speaks a newer version.',
    fix: 'Update to the newest version.',
    example: {},
  },
  'mesh.no-direct-path': {
    says: () => 'No direct connection to the provider came up.',
    fix: 'Go over a relay, or ask another provider.',
    example: {},
  },
  'mesh.no-hidden-path': {
    says: () => 'No provider can be asked now without seeing your address.',
    fix: 'Wait for another provider, or show your address.',
    example: {},
  },
  'mesh.relay-budget': {
    says: () => 'The relay carries no more of this answer.',
    fix: 'Connect again, or ask another provider.',
    example: {},
  },
  'mesh.unreachable': {
    says: () => 'The provider could not be reached.',
    fix: 'Ask another provider.',
    example: {},
  },
  'mesh.reservation-refused': {
    says: () => 'The relay gave no place to be found at.',
    fix: 'Use another relay.',
    example: {},
  },
  'mesh.insecure-page': {
    says: () => 'A page over plain http from another machine may use neither GPU nor keys.',
    fix: 'Open it over https, or at localhost on the machine that runs the relay.',
    example: {},
  },
} as const satisfies Codes
