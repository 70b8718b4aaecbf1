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

/** A byte string of so many bytes is no part of a buffer that is made for the rest. */
const LARGE_BYTES = 4096
/** The most fields whose count stands in the map's first byte. */
const MAX_SHORT_MAP = 23

/**
 * As {@link encode}, in parts: the large byte strings of a map stay where they are and are not copied. They must not be
 * changed until the parts have gone.
 */
export function encodeParts(value: unknown): readonly Uint8Array[] {
  const fields = isPlainMap(value) ? Object.entries(value) : []
  const isLarge = (field: unknown): field is Uint8Array =>
    field instanceof Uint8Array && field.length >= LARGE_BYTES
  if (fields.length > MAX_SHORT_MAP || !fields.some(([, field]) => isLarge(field))) return [encode(value)]
  const sorted = fields
    .map(([key, field]) => [encode(key), field] as const)
    .toSorted(([a], [b]) => compareBytes(a, b))
  const parts: Uint8Array[] = []
  let small: number[] = [0xa0 | fields.length]
  for (const [key, field] of sorted) {
    small.push(...key)
    if (!isLarge(field)) {
      small.push(...encode(field))
      continue
    }
    const [first = 0, ...length] = encode(field.length)
    parts.push(Uint8Array.of(...small, 0x40 | first, ...length), field)
    small = []
  }
  return small.length > 0 ? [...parts, Uint8Array.from(small)] : parts
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0)
  return a.length - b.length
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
