import * as v from 'valibot'
import type { PeerName } from '../../base/ids.ts'
import { KIB } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { MAX_OUTPUT_TOKENS } from '../../prompt/constants.ts'
import { CHUNK_TOKENS } from '../../stream/constants.ts'
import { SKETCH_BYTES, sketchOpeningSchema, type SketchOpening } from '../../stream/sketch-tree.ts'
import { decodeTranscripts, encodeTranscripts, type Transcript } from '../../stream/transcript.ts'
import { decode, encode } from '../../wire/codec.ts'
import { bytes, bytesUpTo, list, peerNameField } from '../../wire/fields.ts'
import { MAX_FRAME_BYTES, MAX_QUESTION_BYTES } from '../../wire/limits.ts'
import { signedSchema, type Signed } from '../../wire/signed.ts'
import { tagOf } from '../../wire/versions.ts'
import { positionsField } from '../openings/messages.ts'
import type { ForgeryProof } from '../openings/read-openings.ts'
import { sketchBytes, sketchesFrom } from '../statistics/sketch-distance.ts'

const MAX_CHUNKS = 1 + Math.ceil(MAX_OUTPUT_TOKENS / CHUNK_TOKENS)
/** Of one job: its question, what else was agreed, and its chunks. */
const MAX_TRANSCRIPT_BYTES = MAX_QUESTION_BYTES + MAX_FRAME_BYTES + MAX_CHUNKS * KIB
/** The provider's sketches of each token with salt and position take three times as much as the verifier's. */
export const MAX_EVIDENCE_BYTES = MAX_TRANSCRIPT_BYTES + 5 * SKETCH_BYTES * MAX_OUTPUT_TOKENS

/** Everything that a verdict rests on: whoever has it and the model can check it again, without anybody's help. */
export interface Evidence {
  /** Of one job; its question must be shown. Payment is best left out. */
  readonly transcript: Transcript
  /** What the provider opened, by rising position; undefined where it opened nothing. */
  readonly openings: readonly SketchOpening[] | undefined
  /** Shows that openings which are not what was signed are the provider's. @default they are what was signed */
  readonly forgery?: ForgeryProof | undefined
  readonly verifier: PeerName
  /** The signed verdict. */
  readonly verdict: Signed
  /** The verifier's own sketches, sixteen halves for each token. */
  readonly own: Uint16Array
  /** 32 bytes: with it the verifier was bound to them. */
  readonly salt: Uint8Array
}

const evidenceSchema = v.strictObject({
  format: v.literal(tagOf('file', 'evidence')),
  transcript: bytesUpTo(MAX_TRANSCRIPT_BYTES),
  openings: v.exactOptional(list(sketchOpeningSchema, MAX_CHUNKS)),
  forgery: v.exactOptional(v.strictObject({ positions: positionsField, statement: signedSchema })),
  verifier: peerNameField,
  verdict: signedSchema,
  own: bytesUpTo(SKETCH_BYTES * MAX_OUTPUT_TOKENS),
  salt: bytes(32),
})

/** One check as a file. */
export function encodeEvidence(evidence: Evidence): Uint8Array<ArrayBuffer> {
  const { transcript, openings, forgery, own, ...rest } = evidence
  return encode({
    ...{ format: tagOf('file', 'evidence'), ...rest, own: sketchBytes(own) },
    ...(openings && { openings }),
    ...(forgery && { forgery }),
    transcript: encodeTranscripts([transcript]),
  })
}

/** @throws InfernetError `verify.bad-evidence` with the reason `form`: nothing of it is verified yet */
export function decodeEvidence(file: Uint8Array): Evidence {
  if (file.length > MAX_EVIDENCE_BYTES) throw badEvidence('form')
  try {
    const { format: _, transcript: inner, own, ...rest } = decode(evidenceSchema, file)
    const [transcript, ...more] = decodeTranscripts(inner)
    if (!transcript || more.length > 0) throw badEvidence('form')
    return { ...rest, transcript, openings: rest.openings, own: sketchesFrom(own) }
  } catch (thrown) {
    throw badEvidence('form', thrown)
  }
}

/** What a file of evidence fails with. */
export function badEvidence(reason: string, cause?: unknown): InfernetError {
  return new InfernetError('verify.bad-evidence', { reason }, { cause })
}
