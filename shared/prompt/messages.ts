import * as v from 'valibot'
import { MAX_GRAMMAR_LENGTH } from '../engine/grammar/check-grammar.ts'
import { MAX_BIASED_TOKENS, MAX_STOP_TOKENS, MAX_STOPS, SAMPLER_BOUNDS } from '../engine/sampler/params.ts'
import {
  amountField,
  bytes,
  chainAddressField,
  epochMillisField,
  integer,
  jobIdField,
  list,
  millisField,
  modelHashField,
  peerNameField,
  real,
  tokenIds,
} from '../wire/fields.ts'
import { MAX_TEXT_TOKENS, MAX_TOKEN_ID } from '../wire/limits.ts'
import { message } from '../wire/message.ts'
import { wireErrorSchema } from '../wire/wire-error.ts'
import { signedSchema } from '../wire/signed.ts'
import { millis } from '../base/units.ts'
import { MAX_LOAD_MS, MAX_OUTPUT_TOKENS } from './constants.ts'

const { temperature, topP, topK, minP, repetitionPenalty, presencePenalty, frequencyPenalty, bias } =
  SAMPLER_BOUNDS
const grammarText = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_GRAMMAR_LENGTH))

/** How tokens are drawn, in the bounds of the sampler; each key but the first two may be left out, which is off. */
export const samplerSchema = v.strictObject({
  temperature: real(...temperature),
  topP: real(...topP),
  topK: v.exactOptional(integer(...topK)),
  minP: v.exactOptional(real(...minP)),
  repetitionPenalty: v.exactOptional(real(...repetitionPenalty)),
  presencePenalty: v.exactOptional(real(...presencePenalty)),
  frequencyPenalty: v.exactOptional(real(...frequencyPenalty)),
  logitBias: v.exactOptional(
    list(v.strictTuple([integer(0, MAX_TOKEN_ID), real(...bias)]), MAX_BIASED_TOKENS),
  ),
  stop: v.exactOptional(list(v.pipe(tokenIds(MAX_STOP_TOKENS), v.minLength(1)), MAX_STOPS)),
  grammar: v.exactOptional(
    v.variant('kind', [
      v.strictObject({ kind: v.literal('json') }),
      v.strictObject({ kind: v.literal('json-schema'), schema: grammarText }),
      v.strictObject({ kind: v.literal('gbnf'), grammar: grammarText }),
    ]),
  ),
})

/** "What would this cost?" Lengths only: the prompt itself stays with the consumer until a job opens. */
export const quoteRequestSchema = message({
  type: v.literal('quote'),
  model: modelHashField,
  /** What is read before the first new token: of an answer that goes on, also what was written. */
  promptTokens: integer(1, MAX_TEXT_TOKENS),
  maxTokens: integer(1, MAX_OUTPUT_TOKENS),
})
export type QuoteRequest = v.InferOutput<typeof quoteRequestSchema>

export const quoteReplySchema = v.variant('type', [
  message({ type: v.literal('quoted'), quote: signedSchema }),
  message({ type: v.literal('refused'), error: wireErrorSchema }),
])

const paymentSchema = v.strictObject({
  chainId: integer(1, Number.MAX_SAFE_INTEGER),
  escrow: chainAddressField,
  operator: chainAddressField,
  relay: chainAddressField,
  binding: bytes(64),
})

/** The signed body of a quote. */
export const quoteSchema = v.strictObject({
  quoteId: jobIdField,
  model: modelHashField,
  consumer: peerNameField,
  promptPerMillion: amountField,
  outputPerMillion: amountField,
  queueMs: millisField,
  loadMs: v.exactOptional(v.pipe(integer(1, MAX_LOAD_MS), v.transform(millis))),
  prefillTokensPerSecond: real(0, 1e6),
  decodeTokensPerSecond: real(0, 1e6),
  nonceHash: bytes(32),
  payment: v.exactOptional(paymentSchema),
  issuedAt: epochMillisField,
  expiresAt: epochMillisField,
})
