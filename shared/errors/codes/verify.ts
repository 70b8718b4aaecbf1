import { inBrackets, type Codes } from './entry.ts'

const ANOTHER_VERIFIER = 'Ask another verifier.'

export const VERIFY_CODES = {
  'verify.no-commitments': {
    says: () => 'The provider signed no sketches with this answer, so nobody can check it.',
    fix: 'Ask again, of a provider of today.',
    example: {},
  },
  'verify.bad-openings': {
    says: (f) => `The provider opened sketches that are not those that it signed${inBrackets(f.reason)}.`,
    fix: 'Do not trust this answer.',
    example: { reason: 'root' },
  },
  'verify.withheld': {
    says: () => 'The provider did not open the sketches that it signed.',
    fix: 'Ask again within the time that they are kept, or ask another provider.',
    example: {},
  },
  'verify.not-kept': {
    says: () => 'Nothing is kept of this job any more.',
    fix: 'Check an answer within a day.',
    example: {},
  },
  'verify.no-verifier': {
    says: () => 'Nobody else offers this model right now, so nobody can check the answer.',
    fix: 'Wait for a second provider, or check it with an engine of your own.',
    example: {},
  },
  'verify.busy': {
    says: () => 'The verifier has as many checks as it takes.',
    fix: ANOTHER_VERIFIER,
    example: {},
  },
  'verify.rate-limited': {
    says: () => 'This peer asks for more checks than the verifier takes of one.',
    fix: 'Wait a moment, then try again.',
    example: {},
  },
  'verify.bad-request': {
    says: (f) => `This cannot be checked${inBrackets(f.reason)}.`,
    fix: 'Export the answer again, whole.',
    example: { reason: 'question' },
  },
  'verify.bad-verdict': {
    says: (f) => `The verdict does not fit what it is about${inBrackets(f.reason)}.`,
    fix: ANOTHER_VERIFIER,
    example: { reason: 'sketches' },
  },
  'verify.bad-evidence': {
    says: (f) => `This file does not prove its verdict${inBrackets(f.reason)}.`,
    fix: 'Export it again. If that fails too, do not trust it.',
    example: { reason: 'tokens' },
  },
  'verify.bad-golden': {
    says: (f) => `The record of golden sketches is wrong${inBrackets(f.reason)}.`,
    fix: 'Ask its provider to start again.',
    example: { reason: 'model' },
  },
  'verify.bad-calibration': {
    says: (f) => `This file does not say what honest machines differ by${inBrackets(f.reason)}.`,
    fix: 'Make it again: npm run calibrate.',
    example: { reason: 'pairs' },
  },
  'verify.records-full': {
    says: () => 'The relay keeps as many records as it can.',
    fix: 'Use another relay.',
    example: {},
  },
  'verify.record-expired': {
    says: () => 'The record has expired, or comes from a time that is not now.',
    fix: 'Check that the clocks of both computers are right.',
    example: {},
  },
  'verify.record-stale': {
    says: () => 'A newer record is known.',
    fix: 'Nothing to do.',
    example: {},
  },
  'verify.unknown-provider': {
    says: () => 'The relay knows nothing of the provider that this verdict is about.',
    fix: 'Tell a relay where it offers something.',
    example: {},
  },
} as const satisfies Codes
