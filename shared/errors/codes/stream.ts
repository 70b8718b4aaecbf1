import type { Codes } from './entry.ts'

const ANOTHER = 'Ask another provider.'

export const STREAM_CODES = {
  'stream.busy': {
    says: (f) =>
      f.running === undefined
        ? 'The provider is busy.'
        : `The provider already serves ${f.running} and has ${f.waiting ?? 0} waiting.`,
    fix: ANOTHER,
    example: { running: 4, waiting: 8 },
  },
  'stream.draining': {
    says: () => 'The provider is leaving and takes no new work.',
    fix: ANOTHER,
    example: {},
  },
  'stream.refused': {
    says: () => 'The provider does not answer this prompt.',
    fix: ANOTHER,
    example: {},
  },
  'stream.silent': {
    says: (f) => `The other side has been silent for ${f.silentMs ?? '?'} ms.`,
    fix: 'Check the connection.',
    example: { silentMs: 6000 },
  },
  'stream.flooded': {
    says: () => 'The other side sends more messages than are needed.',
    fix: ANOTHER,
    example: {},
  },
  'stream.stalled': {
    says: (f) => `The provider is connected but has written nothing for ${f.stalledMs ?? '?'} ms.`,
    fix: ANOTHER,
    example: { stalledMs: 30_000 },
  },
  'stream.provider-lost': {
    says: () => 'The connection to the provider was lost.',
    fix: ANOTHER,
    example: {},
  },
  'stream.cancelled': {
    says: () => 'The answer was stopped.',
    fix: 'Ask again if you still want it.',
    example: {},
  },
  'stream.bad-transcript': {
    says: (f) => `This transcript does not prove its answer (${f.reason ?? 'unknown'}).`,
    fix: 'Export it again. If that fails too, do not trust it.',
    example: { reason: 'question' },
  },
  'stream.bad-chunk': {
    says: (f) => `A signed block is wrong (${f.reason ?? 'unknown'}).`,
    fix: ANOTHER,
    example: { reason: 'chain' },
  },
  'stream.slow-reader': {
    says: () => 'The reader does not take its tokens in time.',
    fix: 'Read faster, or ask again.',
    example: {},
  },
  'stream.duplicate-job': {
    says: () => 'A job with this id is already running.',
    fix: 'Use a new id.',
    example: {},
  },
} as const satisfies Codes
