import type { Entry, ErrorFacts } from './entry.ts'
import { MONEY_CODES } from './money-codes.ts'

const fileOf = ({ path }: ErrorFacts): string => (path ? `The file ${path}` : 'A file of the model')

/**
 * Every failure that has a name, by home.
 *
 * Only the code and its bounded facts cross the wire or the worker's border; the sentence is always ours, so a
 * stranger's text is never shown as the network's. Codes are never renamed: pages, logs and peers match on them.
 */
export const CODE_TABLE = {
  'wire.malformed': {
    says: (f) =>
      `The other side sent a message that does not fit the protocol${f.field ? ` (${f.field})` : ''}.`,
    fix: 'Reload the page to get the newest version. If it stays, the other side is broken: another one is tried.',
  },
  'wire.too-large': {
    says: (f) => `A message is larger than the limit of ${f.maxBytes ?? '?'} bytes.`,
    fix: 'Send less at once.',
  },
  'wire.timeout': {
    says: (f) => `No answer came within ${f.limitMs ?? '?'} ms.`,
    fix: 'Try again; another peer may be quicker.',
  },
  'wire.closed': {
    says: () => 'The other side closed the connection.',
    fix: 'Try again; another peer is tried first.',
  },
  'wire.bad-signature': {
    says: (f) => `A signature under a ${f.noun ?? 'message'} is wrong.`,
    fix: 'Nothing to do: the message was dropped.',
  },
  'wire.unexpected': {
    says: (f) => `A "${f.got ?? '?'}" message came where it may not.`,
    fix: 'Reload the page to get the newest version.',
  },
  'wire.other-version': {
    says: () => 'The other side does not speak this version of the protocol.',
    fix: 'Reload the page to get the newest version.',
  },
  'models.corrupt': {
    says: (f) => `${fileOf(f)} is not what its manifest promises.`,
    fix: 'Load the model again. If it stays, the server holds a broken copy.',
  },
  'models.truncated': {
    says: (f) => `${fileOf(f)} ended after ${f.got ?? '?'} of ${f.expected ?? '?'} bytes.`,
    fix: 'Check the connection and load the model again; what is here already is kept.',
  },
  'models.unavailable': {
    says: (f) => `${fileOf(f)} could not be fetched (${f.status ?? 'no answer'}).`,
    fix: 'Check the connection and try again.',
  },
  'models.unsupported': {
    says: (f) => `This model cannot be run here: ${f.reason ?? 'its layout is unknown'}.`,
    fix: 'Choose another model.',
  },
  'models.unknown': { says: () => 'Nobody here knows that model.', fix: 'Choose a model from the list.' },
  'models.no-space': {
    says: (f) => `The model needs ${f.neededMb ?? '?'} MB of storage, ${f.freeMb ?? '?'} MB are free.`,
    fix: 'Free some space, or choose a smaller model.',
  },
  'engine.no-webgpu': {
    says: () => 'This browser has no WebGPU.',
    fix: 'Use a current Chrome, Edge, Firefox or Safari, or lend your processor instead.',
  },
  'engine.no-adapter': {
    says: () => 'The browser gives this page no graphics adapter.',
    fix: 'Turn on hardware acceleration in the browser settings, or lend your processor instead.',
  },
  'engine.software-adapter': {
    says: () => 'The browser only imitates a graphics adapter, which is slower than the processor itself.',
    fix: 'Turn on hardware acceleration in the browser settings; until then the processor lends.',
  },
  'engine.limits': {
    says: (f) =>
      `The ${f.device ?? 'GPU'} allows ${f.limit ?? '?'} of ${f.has ?? '?'}, the model needs ${f.needs ?? '?'}.`,
    fix: 'Choose a smaller model.',
  },
  'engine.out-of-memory': {
    says: (f) =>
      f.neededMb
        ? `The model needs ${f.neededMb} MB of the GPU's memory, about ${f.freeMb ?? 0} MB are free.`
        : 'The GPU ran out of memory.',
    fix: 'Close other tabs that use the GPU, or choose a smaller model.',
  },
  'engine.device-lost': {
    says: () => 'The GPU was reset or taken away.',
    fix: 'It is being loaded again; running answers move to another tab.',
  },
  'engine.crashed': {
    says: (f) => `The engine stopped by itself${f.reason ? ` (${f.reason})` : ''}.`,
    fix: 'It is being loaded again; if it stays, choose a smaller model.',
  },
  'engine.shader-failed': {
    says: (f) =>
      `The graphics driver could not compile a part of the model${f.operator ? ` (${f.operator})` : ''}.`,
    fix: 'Update the graphics driver. Until then the processor can lend instead.',
  },
  'engine.self-test-failed': {
    says: (f) =>
      f.wrong === undefined && f.operators
        ? `The GPU computes ${f.operators} wrongly.`
        : `The GPU got ${f.wrong ?? '?'} of ${f.total ?? '?'} test tokens wrong${f.operators ? ` (in ${f.operators})` : ''}.`,
    fix: 'Update the graphics driver. Until then the processor can lend instead.',
  },
  'engine.load-failed': {
    says: (f) => `The model could not be started (${f.reason ?? 'unknown reason'}).`,
    fix: 'Load it again, or choose another model.',
  },
  'engine.bad-token': {
    says: (f) => `Token ${f.token ?? '?'} is outside the vocabulary of ${f.vocabSize ?? '?'}.`,
    fix: 'Reload the page: its tokenizer does not fit the model.',
  },
  'engine.context-full': {
    says: (f) => `The prompt has ${f.tokens ?? '?'} tokens, the model holds ${f.contextLength ?? '?'}.`,
    fix: 'Shorten the prompt or begin a new question.',
  },
  'engine.queue-full': {
    says: (f) => `The engine already has ${f.limit ?? '?'} requests waiting.`,
    fix: 'Try again in a moment.',
  },
  'engine.bad-logits': {
    says: () => 'The model produced numbers that are not numbers.',
    fix: 'Reload the model; if it stays, update the graphics driver.',
  },
  'engine.bad-grammar': {
    says: (f) => `The schema or grammar of the answer cannot be used (${f.reason ?? 'unknown'}).`,
    fix: 'Correct the schema or grammar, or ask without one.',
  },
  'engine.grammar-stuck': {
    says: () => 'No word of the model fits the form that the answer must have.',
    fix: 'Loosen the schema or grammar, or choose another model.',
  },
  'engine.closed': { says: () => 'The engine was stopped.', fix: 'Start it again.' },
  'prompt.too-long': {
    says: (f) => `The prompt has ${f.tokens ?? '?'} tokens, at most ${f.maxTokens ?? '?'} fit.`,
    fix: 'Shorten the prompt or begin a new question.',
  },
  'prompt.bad-parameters': {
    says: (f) => `The sampler parameter ${f.parameter ?? '?'} is out of range.`,
    fix: 'Reset the parameters.',
  },
  'prompt.quote-limit': {
    says: () => 'Too many prices were asked for at once.',
    fix: 'Wait a moment and try again.',
  },
  'prompt.quote-expired': {
    says: () => 'The price offer has run out.',
    fix: 'Ask again: a new price is fetched.',
  },
  'prompt.quote-unknown': {
    says: () => 'The price offer was used before or never made.',
    fix: 'Ask again: a new price is fetched.',
  },
  'prompt.price-too-high': {
    says: () => 'Every price is above your limit.',
    fix: 'Raise the limit or choose another model.',
  },
  'schedule.no-relay': {
    says: () => 'No relay answers.',
    fix: 'Check the connection; the page keeps trying.',
  },
  'schedule.no-provider': {
    says: () => 'Nobody is lending a GPU for this model right now.',
    fix: 'Keep the prompt here until one comes, or lend your own GPU.',
  },
  'schedule.offer-expired': {
    says: () => 'The offer has run out.',
    fix: 'Check that the clock of this computer is right.',
  },
  'schedule.offer-stale': { says: () => 'A newer offer is known already.', fix: 'Nothing to do.' },
  'schedule.directory-full': {
    says: () => 'The relay holds as many offers as it can.',
    fix: 'Another relay is tried.',
  },
  'schedule.not-introduced': {
    says: () => 'The relay sends nobody to this provider: its operator is jailed.',
    fix: 'Look at the state of the stake; the offer is taken again when the operator is released.',
  },
  'schedule.rate-limited': {
    says: () => 'The relay gets too many requests from here.',
    fix: 'Wait a moment and try again.',
  },
  'stream.busy': {
    says: (f) => `The provider already serves ${f.running ?? '?'} and has ${f.waiting ?? '?'} waiting.`,
    fix: 'Another provider is tried.',
  },
  'stream.draining': {
    says: () => 'The provider is about to leave and takes no new work.',
    fix: 'Another provider is tried.',
  },
  'stream.silent': {
    says: (f) => `The other side has been silent for ${f.silentMs ?? '?'} ms.`,
    fix: 'Another provider goes on with the answer.',
  },
  'stream.stalled': {
    says: (f) => `The provider is there but has written nothing for ${f.stalledMs ?? '?'} ms.`,
    fix: 'Another provider goes on with the answer.',
  },
  'stream.provider-lost': {
    says: () => 'The tab that answered went away.',
    fix: 'Another provider goes on with the answer.',
  },
  'stream.cancelled': { says: () => 'The answer was stopped.', fix: 'Ask again when you like.' },
  'stream.bad-transcript': {
    says: (f) => `This transcript does not prove its answer (${f.reason ?? 'unknown'}).`,
    fix: 'Export it again. If it stays, it was changed after it was written.',
  },
  'stream.bad-chunk': {
    says: (f) => `A block of tokens does not fit the one before (${f.reason ?? 'unknown'}).`,
    fix: 'Another provider goes on with the answer.',
  },
  'stream.slow-reader': {
    says: () => 'The reader takes no more tokens.',
    fix: 'Keep the page open, or ask again.',
  },
  'stream.duplicate-job': { says: () => 'A job of that name is running already.', fix: 'Ask again.' },
  ...MONEY_CODES,
  'mesh.outdated': {
    says: () => 'The network speaks a newer version than this page.',
    fix: 'Reload the page to get the newest version.',
  },
  'mesh.no-direct-path': {
    says: () => 'No direct path to the provider came up.',
    fix: 'The answer travels over the relay, within its limit.',
  },
  'mesh.no-hidden-path': {
    says: () => 'Nobody who lends now can be asked without seeing your address.',
    fix: 'Ask again when another tab lends, or show your address under the prompt.',
  },
  'mesh.relay-budget': {
    says: () => 'The relay carries no more of this answer.',
    fix: 'Another provider goes on with the answer.',
  },
  'mesh.unreachable': { says: () => 'The provider could not be reached.', fix: 'Another provider is tried.' },
  'mesh.reservation-refused': {
    says: () => 'The relay has no free place to be found at.',
    fix: 'Another relay is tried.',
  },
  'mesh.insecure-page': {
    says: () =>
      'The page was opened over plain http from another machine, so the browser keeps the GPU and the keys from it.',
    fix: 'Open it over https, or at localhost on the machine that runs the relay.',
  },
  'peer.refused': {
    says: () => 'The other side refused for a reason that this version does not know.',
    fix: 'Reload the page to get the newest version.',
  },
  internal: {
    says: () => 'Something went wrong here.',
    fix: 'Try again. If it stays, tell the developers what you did.',
  },
} as const satisfies Record<string, Entry>

/** A stable name for one kind of failure. */
export type ErrorCode = keyof typeof CODE_TABLE

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(CODE_TABLE, code)
}
