import * as v from 'valibot'
import { MAX_FACTS } from '../errors/error-message.ts'

/** A refusal on the wire: a code and bounded facts, see `errors/error-message.ts`. */
export const wireErrorSchema = v.strictObject({
  code: v.pipe(v.string(), v.maxLength(60)),
  facts: v.pipe(
    v.record(
      v.pipe(v.string(), v.maxLength(24)),
      v.union([v.pipe(v.string(), v.maxLength(256)), v.number(), v.boolean()]),
    ),
    v.check((facts) => Object.keys(facts).length <= MAX_FACTS, 'facts'),
  ),
})
