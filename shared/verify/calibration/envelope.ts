import { sha256 } from '@noble/hashes/sha2.js'
import * as v from 'valibot'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { dtypeSchema, type Dtype } from '../../models/manifest.ts'
import { encode } from '../../wire/codec.ts'
import { real } from '../../wire/fields.ts'
import { tagOf } from '../../wire/versions.ts'

/** What a pair of machines may show. Rates are parts of the tokens; distances are in logits. */
export const limitsSchema = v.strictObject({
  /** Tokens that the verifier would not have drawn. */
  off: real(0, 1),
  /** Those whose margin is beyond `margins.near`. */
  far: real(0, 1),
  /** Those whose margin is beyond `margins.far`, or which the filters rule out. */
  beyond: real(0, 1),
  /** Of all opened sketches. */
  sketchDistance: real(0, 1e6),
  /** Of any single token. */
  largestSketchDistance: real(0, 1e6),
})
export type Limits = v.InferOutput<typeof limitsSchema>

export const envelopeSchema = v.strictObject({
  profile: dtypeSchema,
  margins: v.strictObject({ near: real(0, 100), far: real(0, 100), clip: real(0, 100) }),
  /** Within these an answer agrees: what was measured between machines that run the same model. */
  agrees: limitsSchema,
  /** Beyond these it differs: what no two machines that run the same model may show (`hard-limits.ts`). */
  differs: limitsSchema,
})

/**
 * How far honest machines lie apart, of all models of a profile. One for all pairs: a provider that could choose its
 * envelope, by the hardware that it names, would choose the widest.
 */
export type Envelope = v.InferOutput<typeof envelopeSchema>

/** How the numbers of a model are stored and reckoned, as its manifest says. */
export type Profile = Dtype

/** SHA-256 over a tag and the envelope's one encoding: 32 bytes that a verdict names it by. */
export function envelopeHash(envelope: Envelope): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha256(concatBytes(utf8(tagOf('file', 'calibration')), encode(envelope))))
}
