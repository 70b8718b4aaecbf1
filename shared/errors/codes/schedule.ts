import type { Codes } from './entry.ts'

export const SCHEDULE_CODES = {
  'schedule.no-relay': {
    says: () => 'No relay answers.',
    fix: "Check the connection and the relay's address.",
    example: {},
  },
  'schedule.no-provider': {
    says: () => 'No provider offers this model right now.',
    fix: 'Wait for one, or provide it yourself.',
    example: {},
  },
  'schedule.none-trusted': {
    says: () => 'Every provider of this model was found twice to send what the model did not write.',
    fix: 'Wait for another provider, or provide the model yourself.',
    example: { excluded: 2 },
  },
  'schedule.filling': {
    says: () => 'The relay has just started, and its providers are still coming back.',
    fix: 'Wait some seconds, then ask again.',
    example: {},
  },
  'schedule.offer-expired': {
    says: () => 'The offer has expired.',
    fix: 'Check that the clocks of both computers are right.',
    example: {},
  },
  'schedule.offer-stale': { says: () => 'A newer offer is known.', fix: 'Nothing to do.', example: {} },
  'schedule.seeds-expired': {
    says: () => 'The record of what a peer passes on has expired.',
    fix: 'Check that the clocks of both computers are right.',
    example: {},
  },
  'schedule.seeds-stale': {
    says: () => 'A newer record of what the peer passes on is known.',
    fix: 'Nothing to do.',
    example: {},
  },
  'schedule.directory-full': {
    says: () => 'The relay holds as many offers as it can.',
    fix: 'Use another relay.',
    example: {},
  },
  'schedule.not-introduced': {
    says: () => 'The relay sends nobody to this provider: its operator is jailed.',
    fix: 'Look at every account that its peer key ever signed for. The relay takes offers again once none is jailed.',
    example: {},
  },
  'schedule.not-reachable': {
    says: () =>
      'The relay sends nobody to this provider: it has no place there, and none of its addresses answers.',
    fix: 'Get a place at the relay, or offer an address that the relay can dial.',
    example: {},
  },
  'schedule.maintenance': {
    says: () => 'The relay is in maintenance and takes no new offers.',
    fix: 'Use another relay, or wait until it is over.',
    example: {},
  },
  'schedule.flooded': {
    says: () => 'The relay sends more than it was asked for.',
    fix: 'Use another relay.',
    example: {},
  },
  'schedule.rate-limited': {
    says: () => 'The relay gets too many requests from this address.',
    fix: 'Wait a moment, then try again.',
    example: {},
  },
} as const satisfies Codes
