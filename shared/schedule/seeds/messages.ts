import * as v from 'valibot'
import { epochMillisField, integer, list, modelHashField, peerNameField } from '../../wire/fields.ts'
import { message } from '../../wire/message.ts'
import { signedSchema } from '../../wire/signed.ts'
import { wireErrorSchema } from '../../wire/wire-error.ts'
import { MAX_FOUND_SEEDERS, MAX_SEEDERS } from './constants.ts'

/** What a peer asks a relay about seeders: one request a stream. */
export const seedsRequestSchema = v.variant('type', [
  /** This is what I seed from now on; nothing, where the record names no model. */
  message({ type: v.literal('announce'), seeds: signedSchema }),
  /** Who seeds this model? */
  message({ type: v.literal('find'), model: modelHashField, limit: integer(1, MAX_FOUND_SEEDERS) }),
])
export type SeedsRequest = v.InferOutput<typeof seedsRequestSchema>

export const seedsReplySchema = v.variant('type', [
  message({ type: v.literal('done'), until: epochMillisField }),
  message({
    type: v.literal('seeders'),
    seeders: list(v.strictObject({ peer: peerNameField, seeds: signedSchema }), MAX_FOUND_SEEDERS),
    /** How many there are, also those that were not sent. A relay's word. */
    total: integer(0, MAX_SEEDERS),
  }),
  message({ type: v.literal('refused'), error: wireErrorSchema }),
])
export type SeedsReply = v.InferOutput<typeof seedsReplySchema>
