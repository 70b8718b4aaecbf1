import * as v from 'valibot'
import { epochMillisField, integer, list, modelHashField, peerNameField } from '../../wire/fields.ts'
import { message } from '../../wire/message.ts'
import { signedSchema } from '../../wire/signed.ts'
import { wireErrorSchema } from '../../wire/wire-error.ts'
import { MAX_FOUND_GOLDEN, MAX_GOLDEN_PER_MODEL, MAX_VERDICTS_PER_PROVIDER } from './constants.ts'
import { stakedSchema } from './staked.ts'

/** What a peer asks a relay about records: one request a stream. */
export const recordsRequestSchema = v.variant('type', [
  /** This is what my machine makes of the golden prompts. */
  message({ type: v.literal('publish-golden'), golden: signedSchema }),
  /** Golden records of a model: some by chance, or those of the providers that are named. */
  message({
    type: v.literal('find-golden'),
    model: modelHashField,
    providers: list(peerNameField, MAX_FOUND_GOLDEN),
    limit: integer(1, MAX_FOUND_GOLDEN),
  }),
  /** A verdict, whoever made it. */
  message({ type: v.literal('publish-verdict'), verifier: peerNameField, verdict: signedSchema }),
  message({ type: v.literal('find-verdicts'), provider: peerNameField }),
  /** How many checks came within the last day. */
  message({ type: v.literal('count') }),
])
export type RecordsRequest = v.InferOutput<typeof recordsRequestSchema>

const count = integer(0, Number.MAX_SAFE_INTEGER)
const outcomes = v.strictObject({ agrees: count, differs: count, inconclusive: count })

/** Whether somebody has stake is the relay's word. */
const staked = v.exactOptional(stakedSchema)

export const recordsReplySchema = v.variant('type', [
  message({ type: v.literal('done'), until: epochMillisField }),
  message({
    type: v.literal('golden'),
    records: list(
      v.strictObject({ provider: peerNameField, golden: signedSchema, staked }),
      MAX_FOUND_GOLDEN,
    ),
    /** How many there are, also those that were not sent. */
    total: integer(0, MAX_GOLDEN_PER_MODEL),
  }),
  message({
    type: v.literal('verdicts'),
    verdicts: list(
      v.strictObject({ verifier: peerNameField, verdict: signedSchema, staked }),
      MAX_VERDICTS_PER_PROVIDER,
    ),
  }),
  message({ type: v.literal('counts'), all: outcomes, staked: outcomes }),
  message({ type: v.literal('refused'), error: wireErrorSchema }),
])
export type RecordsReply = v.InferOutput<typeof recordsReplySchema>
