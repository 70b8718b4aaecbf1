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
  'models.no-space': {
    says: (f) => `The model needs ${f.neededMb ?? '?'} MB of storage; ${f.freeMb ?? '?'} MB are free.`,
    fix: 'Free some space, or choose a smaller model.',
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
} as const satisfies Codes
