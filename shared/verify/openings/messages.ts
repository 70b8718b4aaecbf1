import * as v from 'valibot'
import { MAX_OUTPUT_TOKENS } from '../../prompt/constants.ts'
import { sketchOpeningSchema } from '../../stream/sketch-tree.ts'
import { bytes, bytesUpTo, integer, list } from '../../wire/fields.ts'
import { message } from '../../wire/message.ts'
import { wireErrorSchema } from '../../wire/wire-error.ts'
import { MAX_ASKED_POSITIONS } from './constants.ts'
import { MAX_STATEMENT_BYTES } from './statement.ts'

/** Positions in an answer, in rising order; at least one. */
export const positionsField = v.pipe(
  list(integer(0, MAX_OUTPUT_TOKENS), MAX_ASKED_POSITIONS),
  v.minLength(1),
  v.check((all) => all.every((at, i) => at > (all[i - 1] ?? -1)), 'order'),
)

/** What somebody who holds a transcript asks its provider. */
export const openingsRequestSchema = message({
  type: v.literal('open'),
  /** The link that the job's chain begins with: which job. */
  link: bytes(32),
  /** Shows that the asker knows the question (`openingKey`). */
  key: bytes(32),
  positions: positionsField,
})
export type OpeningsRequest = v.InferOutput<typeof openingsRequestSchema>

/** What the provider says: an opening for each chunk that holds asked positions, by rising position, and its end. */
export const openingsReplySchema = v.variant('type', [
  message({ type: v.literal('opening'), opening: sketchOpeningSchema }),
  message(
    { type: v.literal('done') },
    /** The provider's name under all of it (`signOpened`). An older one says nothing of the kind. */
    { statement: bytesUpTo(MAX_STATEMENT_BYTES) },
  ),
  message({ type: v.literal('refused'), error: wireErrorSchema }),
])
