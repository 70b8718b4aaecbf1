import type { Codes } from './entry.ts'

export const PROMPT_CODES = {
  'prompt.too-long': {
    says: (f) => `The prompt has ${f.tokens ?? '?'} tokens; at most ${f.maxTokens ?? '?'} fit.`,
    fix: 'Shorten the prompt.',
    example: { tokens: 1200, maxTokens: 1023 },
  },
  'prompt.bad-parameters': {
    says: (f) => `The parameter ${f.parameter ?? '?'} is out of range.`,
    fix: 'Correct it, or leave it at its default.',
    example: { parameter: 'temperature' },
  },
  'prompt.quote-limit': {
    says: () => 'Too many price offers are open at once.',
    fix: 'Wait a moment, then ask again.',
    example: {},
  },
  'prompt.quote-expired': {
    says: () => 'The price offer has expired.',
    fix: 'Ask for a new price.',
    example: {},
  },
  'prompt.quote-unknown': {
    says: () => 'The price offer was used before or never made.',
    fix: 'Ask for a new price.',
    example: {},
  },
  'prompt.price-too-high': {
    says: () => 'The price is above your limit.',
    fix: 'Raise the limit or choose another model.',
    example: {},
  },
} as const satisfies Codes
