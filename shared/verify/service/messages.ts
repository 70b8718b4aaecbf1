import * as v from 'valibot'
import { KIB } from '../../base/units.ts'
import { MAX_OUTPUT_TOKENS } from '../../prompt/constants.ts'
import { MAX_CREDIT_BYTES } from '../../stream/constants.ts'
import { SKETCH_BYTES, sketchOpeningSchema } from '../../stream/sketch-tree.ts'
import { bytes, bytesUpTo, integer, jobIdField, list } from '../../wire/fields.ts'
import { message } from '../../wire/message.ts'
import { signedSchema } from '../../wire/signed.ts'
import { wireErrorSchema } from '../../wire/wire-error.ts'
import { MAX_POSITION_BYTES } from '../openings/position-bits.ts'
import { MAX_STATEMENT_BYTES } from '../openings/statement.ts'
import { MAX_CHECKED_BYTES, MAX_CHECKED_CHUNKS, MAX_WAITING_CHECKS } from './constants.ts'

/** Own sketches of the longest answer: sixteen halves a token, little-endian. */
const MAX_OWN_BYTES = SKETCH_BYTES * MAX_OUTPUT_TOKENS
/** Its margins, 64-bit numbers, little-endian. */
const MAX_MARGIN_BYTES = 8 * MAX_OUTPUT_TOKENS
/** What a verifier's frames take at most: the last one holds all that its verdict was reckoned from. */
export const MAX_VERDICT_FRAME_BYTES = MAX_OWN_BYTES + MAX_MARGIN_BYTES + 16 * KIB

/** The first frame of a check: which answer, and under which quote. */
const checkFrameSchema = message({
  type: v.literal('check'),
  quoteId: jobIdField,
  /** A file of one transcript that shows question, quote and what the provider accepted the job with; no payment. */
  transcript: bytesUpTo(MAX_CHECKED_BYTES),
  /** Pays for the reading; opaque here. */
  credit: v.exactOptional(bytesUpTo(MAX_CREDIT_BYTES)),
})
export type CheckFrame = v.InferOutput<typeof checkFrameSchema>

/** What an asker sends on a check's stream. */
export const askerFrameSchema = v.variant('type', [
  checkFrameSchema,
  /** What the provider opened, of each chunk that it opened something of; nothing where it opened nothing. */
  message(
    { type: v.literal('openings'), openings: list(sketchOpeningSchema, MAX_CHECKED_CHUNKS) },
    /** Where they are not what it signed: its word that they are its own, and what it was asked for (`positionBits`). */
    { statement: bytesUpTo(MAX_STATEMENT_BYTES), asked: bytesUpTo(MAX_POSITION_BYTES) },
  ),
])

export type AskerFrame = v.InferOutput<typeof askerFrameSchema>

/** What a verifier sends on a check's stream. */
export const verifierFrameSchema = v.variant('type', [
  /** The check is admitted, and the verifier lives; said again and again until it has read. */
  message({ type: v.literal('waiting'), before: integer(0, MAX_WAITING_CHECKS + 1) }),
  /** It has read, and is bound to what it found before it sees what the provider found. From here on it is paid. */
  message({ type: v.literal('committed'), commitment: bytes(32) }),
  message({
    type: v.literal('verdict'),
    verdict: signedSchema,
    own: bytesUpTo(MAX_OWN_BYTES),
    margins: bytesUpTo(MAX_MARGIN_BYTES),
    salt: bytes(32),
  }),
  message({
    type: v.literal('refused'),
    error: wireErrorSchema,
    /** The best credit that the verifier holds of this asker, when what came was lower. */
    held: v.exactOptional(bytesUpTo(MAX_CREDIT_BYTES)),
  }),
])
export type VerifierFrame = v.InferOutput<typeof verifierFrameSchema>
