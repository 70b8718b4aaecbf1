import * as v from 'valibot'
import { PIECE_BYTES } from '../manifest.ts'
import { bytesUpTo, integer, list, modelHashField } from '../../wire/fields.ts'
import { message } from '../../wire/message.ts'
import { wireErrorSchema } from '../../wire/wire-error.ts'
import { DATA_BYTES, MAX_FLAT_PIECES, MAX_HAVES, MAX_MANIFEST_BYTES } from './constants.ts'

/** A piece by its place among all pieces of the manifest, see `numbering.ts`. */
const flatPiece = integer(0, MAX_FLAT_PIECES - 1)
const offset = integer(0, PIECE_BYTES - 1)
const length = integer(1, PIECE_BYTES)

/** What who fetches sends: `manifest` or `open` first, the rest after `open`. */
export const fetcherMessageSchema = v.variant('type', [
  /** Give me the manifest of this name. Ends the stream. */
  message({ type: v.literal('manifest'), model: modelHashField }),
  /** Tell me what you have of it. Whoever opens is interested. */
  message({ type: v.literal('open'), model: modelHashField }),
  /** Whether the other side has something that is missing here: only who is interested gets a slot. */
  message({ type: v.literal('interest'), wanted: v.boolean() }),
  /** Bytes of a piece; the whole of it as a rule. Only with a slot. */
  v.strictObject({ type: v.literal('want'), piece: flatPiece, offset, length }),
  v.strictObject({ type: v.literal('cancel'), piece: flatPiece }),
])
export type FetcherMessage = v.InferOutput<typeof fetcherMessageSchema>

/** What who seeds sends. */
export const seederMessageSchema = v.variant('type', [
  /** A part of the manifest's bytes, in order; their SHA-256 is its name. */
  message({
    type: v.literal('manifest'),
    total: integer(1, MAX_MANIFEST_BYTES),
    offset: integer(0, MAX_MANIFEST_BYTES),
    bytes: bytesUpTo(DATA_BYTES),
  }),
  /** What is here: a `PieceMap` over the flat numbers. */
  message({ type: v.literal('opened'), map: bytesUpTo(MAX_FLAT_PIECES / 8) }),
  /** These came since. */
  message({ type: v.literal('have'), pieces: list(flatPiece, MAX_HAVES) }),
  /** You have a slot. */
  message({ type: v.literal('unchoke') }),
  /** You have none any more: what you asked for and did not get is forgotten. */
  message({ type: v.literal('choke') }),
  /** Bytes of a piece that was asked for, in order. */
  v.strictObject({ type: v.literal('data'), piece: flatPiece, offset, bytes: bytesUpTo(DATA_BYTES) }),
  /** With a piece: that one cannot be had. Without: nothing can, and the stream ends. */
  message({ type: v.literal('refused'), piece: v.exactOptional(flatPiece), error: wireErrorSchema }),
])
export type SeederMessage = v.InferOutput<typeof seederMessageSchema>
