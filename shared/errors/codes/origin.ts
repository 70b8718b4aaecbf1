import type { Codes, ErrorFacts } from './entry.ts'

const what = ({ path }: ErrorFacts): string => (path ? `the file ${path}` : 'a file')

/** Of where models come from: a hub, a folder, a relay. Longer reasons stand where they are thrown. */
export const ORIGIN_CODES = {
  'origin.not-found': {
    says: (f) => `The model was not found: ${f.reason ?? 'its source does not have it'}.`,
    fix: 'Check the name. If the repository is private, use the token of an account that may read it.',
    example: { reason: 'the hub shows no repository owner/name, because there is none or it is private' },
  },
  'origin.gated': {
    says: (f) =>
      f.hasToken
        ? `The hub does not give ${f.repository ?? 'this model'} to the account of this token.`
        : `The hub gives ${f.repository ?? 'this model'} only to accounts that accepted its terms.`,
    fix: 'Accept the terms on its page at the hub, then use a token of that account.',
    example: { repository: 'owner/name', hasToken: true },
  },
  'origin.unaccepted': {
    says: (f) => `The licence${f.licence ? ` ${f.licence}` : ''} was not accepted, so nothing was loaded.`,
    fix: 'Read the licence, then accept it or choose another model.',
    example: { licence: 'llama3.2' },
  },
  'origin.unsuitable': {
    says: (f) => `This model cannot be added: ${f.reason ?? 'it lacks what we need'}.`,
    fix: 'Choose another precision, or another repository.',
    example: { reason: 'owner/name has no precision q4, only fp16' },
  },
  'origin.faulty': {
    says: (f) => `The source cannot be used: ${f.reason ?? 'its answer makes no sense'}.`,
    fix: 'Nothing wrong was kept. Try again later, or use another source.',
    example: { reason: 'it sends requests round in a circle' },
  },
  'origin.changed': {
    says: (f) => `The source changed ${what(f)} while it was being loaded.`,
    fix: 'Nothing wrong was kept. Start again.',
    example: { path: 'model.onnx' },
  },
  'origin.not-as-listed': {
    says: (f) => `The source sent other bytes for ${what(f)} than it lists.`,
    fix: 'Nothing wrong was kept. Try again later, or use another source.',
    example: { path: 'model.onnx' },
  },
  'origin.busy': {
    says: (f) => `The source takes no more requests from here for ${f.seconds ?? 'some'} seconds.`,
    fix: 'Try again after that. What has come is kept.',
    example: { seconds: 900 },
  },
  'origin.silent': {
    says: (f) => `The source sent nothing for ${f.seconds ?? 'some'} seconds.`,
    fix: 'Check the connection, then try again. What has come is kept.',
    example: { seconds: 30 },
  },
} as const satisfies Codes
