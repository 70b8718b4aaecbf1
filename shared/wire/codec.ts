import { decode as decodeCbor, encode as encodeCbor, rfc8949EncodeOptions } from 'cborg'
import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'

/**
 * Encodes to deterministic CBOR (RFC 8949 section 4.2): one value has one encoding, so bytes can be hashed and signed.
 *
 * Values are maps with text keys, arrays, texts, byte strings, booleans, null, safe integers and finite floats.
 */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const bytes = encodeCbor(value, rfc8949EncodeOptions)
  // A frame full of a piece is not copied once more; Node's buffers and parts of larger ones are.
  const isOwn = bytes.constructor === Uint8Array && bytes.byteLength === bytes.buffer.byteLength
  return isOwn ? bytes : new Uint8Array(bytes)
}

/**
 * Decodes one CBOR item that fills `bytes` and fits `schema`.
 *
 * @throws InfernetError `wire.malformed` for anything else, with the path of the field but never its content.
 */
export function decode<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, decodeItem(bytes), { abortEarly: true })
  if (result.success) return result.output
  throw new InfernetError('wire.malformed', {
    field: v.getDotPath(result.issues[0])?.slice(0, 60) ?? 'message',
  })
}

function decodeItem(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes, {
      strict: true, // only the shortest encoding of a number or length
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false, // amounts are byte strings, all other integers are safe
      rejectDuplicateMapKeys: true,
    })
  } catch (cause) {
    // A frame is at most MAX_FRAME_BYTES, so nesting cannot do worse than a RangeError, which ends here as well.
    throw new InfernetError('wire.malformed', {}, { cause })
  }
}
