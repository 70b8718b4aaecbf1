import * as v from 'valibot'
import { bytesUpTo } from './fields.ts'

/** What a later version may add to a message without breaking this one: so many fields. @internal */
export const MAX_OPTIONAL_FIELDS = 16
/** Characters in the name of one. @internal */
export const MAX_OPTIONAL_NAME = 40
/** Bytes in the value of one. @internal */
export const MAX_OPTIONAL_VALUE = 1024

/**
 * A message between peers. Every field that is not named here is refused by its name, but one: `optional`, a map of
 * fields that a peer may add and another may skip. What is unknown in it is dropped, so that a newer peer can say more
 * to an older one; what is known is checked like any field. Its values are plain (a structure goes in as bytes), so that
 * what is skipped is bounded too.
 *
 * For what is neither signed nor about money. There a skipped field would change what was meant: those are plain strict
 * objects.
 *
 * @example
 * const accepted = message({ type: v.literal('accepted') }, { queue: integer(0, 100) })
 * // reads { type: 'accepted', optional: { queue: 3, mood: 'good' } } as { type: 'accepted', optional: { queue: 3 } }
 */
export function message<Fields extends v.ObjectEntries, Known extends v.ObjectEntries = NoFields>(
  fields: Fields,
  known: Known = {} as Known,
) {
  return v.strictObject({ ...fields, optional: v.exactOptional(optionalFields(known)) })
}

const plainValue = v.union([
  v.pipe(v.string(), v.maxLength(MAX_OPTIONAL_VALUE)),
  v.number(),
  v.boolean(),
  bytesUpTo(MAX_OPTIONAL_VALUE),
])

type NoFields = Record<never, never>

function optionalFields<Known extends v.ObjectEntries>(known: Known) {
  // Drops what it does not know, and wants none of what it knows: another version may say one without the other.
  const read = v.partial(v.object(known))
  return v.pipe(
    v.record(v.pipe(v.string(), v.maxLength(MAX_OPTIONAL_NAME)), plainValue),
    v.check((fields) => Object.keys(fields).length <= MAX_OPTIONAL_FIELDS, 'fields'),
    v.transform((fields) => fields as unknown as v.InferInput<typeof read>),
    read,
  )
}
