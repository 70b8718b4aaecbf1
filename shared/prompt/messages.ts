import * as v from 'valibot'
import {
  amountField,
  bytes,
  epochMillisField,
  integer,
  jobIdField,
  millisField,
  modelHashField,
  peerNameField,
  real,
} from '../wire/fields.ts'
import { wireErrorSchema } from '../wire/wire-error.ts'
import { signedSchema } from '../wire/signed.ts'
import { MAX_OUTPUT_TOKENS, MAX_PROMPT_TOKENS } from './constants.ts'

/** Temperature and top-p, in the bounds of the sampler. */
export const samplerSchema = v.strictObject({ temperature: real(0, 2), topP: real(0.01, 1) })

/** "What would this cost?" Lengths only: the prompt itself stays with the consumer until a job opens. */
export const quoteRequestSchema = v.strictObject({
  type: v.literal('quote'),
  model: modelHashField,
  promptTokens: integer(1, MAX_PROMPT_TOKENS),
  maxTokens: integer(1, MAX_OUTPUT_TOKENS),
})
export type QuoteRequest = v.InferOutput<typeof quoteRequestSchema>

export const quoteReplySchema = v.variant('type', [
  v.strictObject({ type: v.literal('quoted'), quote: signedSchema }),
  v.strictObject({ type: v.literal('refused'), error: wireErrorSchema }),
])

/** The signed body of a quote. */
export const quoteSchema = v.strictObject({
  quoteId: jobIdField,
  model: modelHashField,
  consumer: peerNameField,
  promptPrice: amountField,
  outputPrice: amountField,
  queueMs: millisField,
  prefillTokensPerSecond: real(0, 1e6),
  decodeTokensPerSecond: real(0, 1e6),
  nonceHash: bytes(32),
  issuedAt: epochMillisField,
  expiresAt: epochMillisField,
})
