import * as v from 'valibot'
import { bytesUpTo, epochMillisField, integer, list, modelHashField, peerNameField } from '../wire/fields.ts'
import { message } from '../wire/message.ts'
import { signedSchema } from '../wire/signed.ts'
import { wireErrorSchema } from '../wire/wire-error.ts'
import { besidesField } from './besides.ts'
import { MAX_DEMAND_BYTES } from './demand/constants.ts'
import { DIRECTORY_FILL_MS, MAX_QUERY_OFFERS, MAX_WATCHED_PEERS } from './constants.ts'

/** Requests carry an id that the answer repeats; the sender is known from the connection. */
const requestId = integer(0, 0xffff_ffff)

const signedOfferSchema = v.strictObject({ provider: peerNameField, offer: signedSchema })

/** What a peer asks a relay's directory. */
export const directoryRequestSchema = v.variant('type', [
  /** Put my offer into the directory, or renew it. */
  message({ type: v.literal('announce'), id: requestId, offer: signedSchema }),
  /** Take my offer out: I am leaving or pausing. */
  message({ type: v.literal('withdraw'), id: requestId, tombstone: signedSchema }),
  /** The best offers for a model, or of all models. */
  message(
    {
      type: v.literal('query'),
      id: requestId,
      model: v.nullable(modelHashField),
      limit: integer(1, MAX_QUERY_OFFERS),
    },
    {
      /** Also what is wanted. Asked for, because a peer from before that refuses an answer that says it. */
      wantsDemand: v.boolean(),
      /**
       * The next page: others than these, see `besides.ts`. A relay from before that answers with the same ones again.
       */
      besides: besidesField,
    },
  ),
  /** Tell me when one of these peers loses its connection to you. Replaces the list before. */
  message({ type: v.literal('watch'), id: requestId, peers: list(peerNameField, MAX_WATCHED_PEERS) }),
])
export type DirectoryRequest = v.InferOutput<typeof directoryRequestSchema>

/** What the directory says, in answer or, for `gone`, by itself. */
export const directoryReplySchema = v.variant('type', [
  message({ type: v.literal('done'), id: requestId, until: epochMillisField }),
  message(
    {
      type: v.literal('offers'),
      id: requestId,
      offers: list(signedOfferSchema, MAX_QUERY_OFFERS),
      /** How many live offers match, also those that were not sent. A relay's word. */
      total: integer(0, 1 << 24),
    },
    {
      /** With no offers: the relay has just started, and its providers may still come back within this. In ms. */
      fillingMs: integer(1, DIRECTORY_FILL_MS),
      /** Where it was asked for: the relay's signed word on what is wanted, see `demand-record.ts`. */
      demand: bytesUpTo(MAX_DEMAND_BYTES),
    },
  ),
  message({ type: v.literal('refused'), id: requestId, error: wireErrorSchema }),
  message({ type: v.literal('gone'), peer: peerNameField }),
])
export type DirectoryReply = v.InferOutput<typeof directoryReplySchema>

/** What relays tell one another about offers. The signatures inside are the providers'. */
export const offerGossipSchema = v.variant('type', [
  message({ type: v.literal('offer'), provider: peerNameField, signed: signedSchema }),
  message({ type: v.literal('drain'), provider: peerNameField, signed: signedSchema }),
])
export type OfferGossipMessage = v.InferOutput<typeof offerGossipSchema>
