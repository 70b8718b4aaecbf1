import type { Codes, ErrorFacts } from './entry.ts'

const fileOf = ({ path }: ErrorFacts): string => (path ? `The file ${path}` : 'A file of the model')

export const MODELS_CODES = {
  'models.corrupt': {
    says: (f) => `${fileOf(f)} does not hold what it should.`,
    fix: 'Load the model again. If it happens again, choose another model.',
    example: { path: 'model.onnx', piece: 1 },
  },
  'models.truncated': {
    says: (f) => `${fileOf(f)} ended after ${f.got ?? '?'} of ${f.expected ?? '?'} bytes.`,
    fix: 'Load the model again.',
    example: { path: 'model.onnx', got: 5000, expected: 9000 },
  },
  'models.unavailable': {
    says: (f) => `${fileOf(f)} could not be loaded (${f.status ?? 'no answer'}).`,
    fix: 'Check that its source has it and can be reached.',
    example: { path: 'model.onnx', status: 404 },
  },
  'models.unsupported': {
    says: (f) => `This model cannot run here: ${f.reason ?? 'its layout is unknown'}.`,
    fix: 'Choose another model.',
    example: { reason: 'no chat template' },
  },
  'models.unknown': { says: () => 'The model is unknown.', fix: 'Choose another model.', example: {} },
  'models.bad-catalogue': {
    says: (f) => `A list of models was left out: ${f.reason ?? 'it cannot be read'}.`,
    fix: 'The other lists are used. Whoever made this one can mend it.',
    example: { reason: 'it is no JSON' },
  },
  'models.no-space': {
    says: (f) => `The model needs ${f.neededMb ?? '?'} MB of storage; ${f.freeMb ?? '?'} MB are free.`,
    fix: 'Free some space, or choose a smaller model.',
    example: { neededMb: 1200, freeMb: 300 },
  },
  'models.over-limit': {
    says: (f) =>
      `The model needs ${f.neededMb ?? '?'} MB of storage; your limit for models leaves ${f.freeMb ?? '?'} MB.`,
    fix: 'Raise the limit on the page Models, delete a model there, or choose a smaller one.',
    example: { neededMb: 1200, freeMb: 300 },
  },
  'models.quota-exceeded': {
    says: () => 'The storage for models is used up. What was stored before is kept.',
    fix: 'Delete a model or free some space, then load it again: it goes on where it stopped.',
    example: {},
  },
  'models.disk-full': {
    says: () => 'The disk is full. What was stored before is kept.',
    fix: 'Free some space, then load the model again: it goes on where it stopped.',
    example: {},
  },
  'models.store-busy': {
    says: () => 'The files of this model have been busy for minutes.',
    fix: 'Close whatever else uses them, then try again.',
    example: {},
  },
  'models.store-lost': {
    says: () => 'What keeps the model files has stopped. What was stored before is kept.',
    fix: 'Load the model again: it goes on where it stopped.',
    example: {},
  },
  'models.in-use': {
    says: () => 'The model is in use, so it was not deleted.',
    fix: 'Stop using it, then delete it.',
    example: {},
  },
  'models.store-full': {
    says: (f) => `The storage is full: ${f.keptMb ?? '?'} of ${f.totalMb ?? '?'} MB of the model are kept.`,
    fix: 'Free some space; the download then goes on where it stopped.',
    example: { keptMb: 300, totalMb: 1200 },
  },
  'models.nobody-left': {
    says: (f) =>
      `Nobody can be reached who has the rest of the model: ${f.keptMb ?? '?'} of ${f.totalMb ?? '?'} MB are kept.`,
    fix: 'Try again later; the download goes on where it stopped.',
    example: { keptMb: 300, totalMb: 1200 },
  },
  'models.origin-differs': {
    says: (f) => `The origin serves other bytes than the model's${f.path ? ` as ${f.path}` : ''}.`,
    fix: 'Nothing to do: they were not kept, and the rest comes from elsewhere.',
    example: { path: 'model.onnx' },
  },
  'models.wrong-piece': {
    says: () => 'A peer sent wrong bytes.',
    fix: 'Nothing to do: they were not kept, and the peer is not asked again.',
    example: { piece: 7 },
  },
  'models.lying-seeder': {
    says: () => 'A peer says that it has pieces which it does not have.',
    fix: 'Nothing to do: the pieces come from elsewhere.',
    example: {},
  },
  'models.seeder-stalled': {
    says: () => 'A peer that should send a piece of the model sends nothing.',
    fix: 'Nothing to do: the piece comes from elsewhere.',
    example: {},
  },
  'models.seeder-flood': {
    says: () => 'A peer sends more than it was asked for.',
    fix: 'Nothing to do: its connection was closed.',
    example: {},
  },
  'models.never-relayed': {
    says: () => 'Models do not travel over a relay.',
    fix: 'Take the model from its origin, or from a peer that can be reached directly.',
    example: {},
  },
  'models.not-seeded': {
    says: () => 'The peer does not pass on this model.',
    fix: 'Ask another peer, or the origin.',
    example: {},
  },
  'models.not-passed-on': {
    says: () => "The model's licence does not let anybody pass it on.",
    fix: 'Nothing to do: it is kept for this computer alone.',
    example: {},
  },
  'models.withheld': {
    says: (f) => `Nobody who can be reached passes on ${f.path ?? 'a file'}, which this model needs.`,
    fix: 'Try again later, or add the model from its hub.',
    example: { path: 'tokenizer.json' },
  },
  'models.peers-not-asked': {
    says: (f) => `Only peers have ${f.path ?? 'a file'}, which this model needs, and no peer is asked.`,
    fix: 'Let peers be asked, or add the model from its hub.',
    example: { path: 'tokenizer.json' },
  },
  'models.upload-busy': {
    says: () => 'The peer passes on to as many others as it can.',
    fix: 'Ask another peer, or wait.',
    example: {},
  },
  'models.upload-spent': {
    says: () => 'The peer has given as much as it gives for nothing in a day.',
    fix: 'Ask another peer, or the origin.',
    example: {},
  },
  'models.piece-missing': {
    says: (f) => `The peer does not have piece ${f.piece ?? '?'} of the model.`,
    fix: 'Ask another peer.',
    example: { piece: 7 },
  },
  'models.too-many-wants': {
    says: (f) => `More than ${f.limit ?? '?'} pieces are asked for at once.`,
    fix: 'Wait for some of them first.',
    example: { limit: 16 },
  },
} as const satisfies Codes
