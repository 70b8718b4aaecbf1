import { inBrackets, type Codes, type ErrorFacts } from './entry.ts'

const DRIVER = 'Update the graphics driver, or use the processor instead.'

export const ENGINE_CODES = {
  'engine.no-webgpu': {
    says: (f) => `WebGPU is not available${inBrackets(f.reason)}.`,
    fix: 'Use the processor instead.',
    example: { reason: 'the npm package webgpu is not installed' },
  },
  'engine.no-adapter': {
    says: () => 'WebGPU found no GPU.',
    fix: 'Check the graphics driver, or use the processor instead.',
    example: {},
  },
  'engine.software-adapter': {
    says: () => 'The GPU is only imitated in software, which is slower than the processor itself.',
    fix: 'Use the processor instead.',
    example: { adapter: 'SwiftShader' },
  },
  'engine.limits': {
    says: (f) =>
      f.limit === 'none'
        ? `The ${f.device ?? 'GPU'} has no ${f.has ?? '?'}; the model needs it.`
        : `The ${f.device ?? 'GPU'} allows ${f.limit ?? '?'} of ${f.has ?? '?'}; the model needs ${f.needs ?? '?'}.`,
    fix: 'Choose a smaller model.',
    example: { limit: '256 MB', has: 'memory in one piece', needs: '311 MB' },
  },
  'engine.out-of-memory': {
    says: (f) =>
      f.neededMb
        ? `The model needs ${f.neededMb} MB of the GPU's memory; about ${f.freeMb ?? 0} MB are free.`
        : 'The GPU ran out of memory.',
    fix: 'Close other programs that use the GPU, or choose a smaller model.',
    example: { neededMb: 1092, freeMb: 516 },
  },
  'engine.device-lost': {
    says: () => 'The GPU was reset or taken away.',
    fix: 'Load the model again.',
    example: {},
  },
  'engine.crashed': {
    says: (f) => `The engine crashed${inBrackets(crashOf(f))}.`,
    fix: 'Load the model again. If it happens again, choose a smaller model.',
    example: { reason: 'wasm trap' },
  },
  'engine.shader-failed': {
    says: (f) => `The graphics driver could not compile a part of the model${inBrackets(f.operator)}.`,
    fix: DRIVER,
    example: { operator: 'MatMul' },
  },
  'engine.self-test-failed': {
    says: failedTest,
    fix: DRIVER,
    example: { wrong: 2, total: 15, operators: 'MatMulNBits, Gather' },
  },
  'engine.load-failed': {
    says: (f) => `The model could not start (${f.reason ?? 'unknown reason'}).`,
    fix: 'Load it again, or choose another model.',
    example: { reason: 'no session' },
  },
  'engine.bad-token': {
    says: (f) => `Token ${f.token ?? '?'} is outside the vocabulary of ${f.vocabSize ?? '?'}.`,
    fix: 'Use the tokenizer of this model.',
    example: { token: 9000, vocabSize: 4096 },
  },
  'engine.context-full': {
    says: (f) => `The prompt has ${f.tokens ?? '?'} tokens; the model holds ${f.contextLength ?? '?'}.`,
    fix: 'Shorten the prompt.',
    example: { tokens: 1200, contextLength: 1024 },
  },
  'engine.queue-full': {
    says: (f) => `The engine already has ${f.limit ?? '?'} requests waiting.`,
    fix: 'Wait a moment, then ask again.',
    example: { limit: 8 },
  },
  'engine.bad-logits': {
    says: (f) =>
      f.token === undefined
        ? 'The model computed invalid numbers.'
        : `The model computed an invalid number for token ${f.token}.`,
    fix: 'Load the model again. If it happens again, use the processor, or choose another model.',
    example: { token: 7 },
  },
  'engine.bad-grammar': {
    says: (f) =>
      `The schema or grammar of the answer cannot be used (${f.reason ?? 'unknown'}${f.at ? ` at ${f.at}` : ''}).`,
    fix: 'Correct the schema or grammar, or ask without one.',
    example: { reason: 'too deep' },
  },
  'engine.grammar-stuck': {
    says: () => 'No token of the model fits the form that the answer must have.',
    fix: 'Loosen the schema or grammar, or choose another model.',
    example: {},
  },
  'engine.other-task': {
    says: (f) => `The model does not do what was asked of it${inBrackets(f.task)}.`,
    fix: 'Choose another model.',
    example: { task: 'feature-extraction' },
  },
  'engine.closed': { says: () => 'The engine was stopped.', fix: 'Start it again.', example: {} },
} as const satisfies Codes

function crashOf({ reason, status }: ErrorFacts): ErrorFacts[string] {
  return reason ?? (status === undefined ? undefined : `exit status ${status}`)
}

/** Where several answers were written at once it is not counted how many tokens were wrong. */
function failedTest({ wrong, total, operators, atOnce }: ErrorFacts): string {
  if (wrong === undefined && operators) return `The GPU computes ${operators} wrongly.`
  if (atOnce) return `The self-test got tokens wrong while it wrote ${atOnce} answers at once.`
  return `The self-test got ${wrong ?? '?'} of ${total ?? '?'} tokens wrong${inBrackets(operators)}.`
}
