import { concatBytes } from '../../base/bytes.ts'
import { MIB } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { pointingAt, SMALL_BYTES } from './external-weights.ts'
import { tensorType } from './onnx-messages.ts'
import { tensorBytes } from './tensor-values.ts'

/** Nodes, shapes and small numbers; the graphs of known models have a few megabytes of them. */
const MAX_OUTLINE_BYTES = 64 * MIB

/** What the parser wants next: bytes to read, or to pass over. */
interface Want {
  readonly bytes: number
  readonly isRead: boolean
}
/** Gets what it read, and gives the parts of the outline in the end. */
type Parser<T> = Generator<Want, T, Uint8Array>

/**
 * Reads a model file as it comes, of any size, and keeps all of it but the weights: a large tensor inside the file becomes
 * one that lies "in the file of this name at that place". What remains is a model that can be decoded, linted and
 * measured in a few megabytes of memory.
 *
 * @example
 * const outline = new GraphOutline('model_q4.onnx', size)
 * for await (const chunk of body) outline.push(chunk)
 * const model = modelType.decode(outline.finish())
 */
export class GraphOutline {
  readonly #parser: Parser<Uint8Array<ArrayBuffer>>
  #want: Want | undefined
  #got: Uint8Array
  #filled = 0
  #outline: Uint8Array<ArrayBuffer> | undefined

  /**
   * @param fileName under which the tensors will refer to this file
   * @param size of the file in bytes
   */
  constructor(fileName: string, size: number) {
    this.#parser = readModel(fileName, size)
    this.#got = new Uint8Array(0)
    this.#next(this.#got)
  }

  /** @throws InfernetError `models.corrupt` for what is no model, `models.unsupported` when its graph is too large */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (!this.#want) throw new InfernetError('models.corrupt')
      const part = chunk.subarray(at, at + this.#want.bytes - this.#filled)
      if (this.#want.isRead) this.#got.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === this.#want.bytes) this.#next(this.#got)
    }
  }

  /** The outline, encoded. @throws InfernetError `models.corrupt` when the file is not over */
  finish(): Uint8Array<ArrayBuffer> {
    if (!this.#outline) throw new InfernetError('models.corrupt')
    return this.#outline
  }

  #next(got: Uint8Array): void {
    let step = this.#parser.next(got)
    // Nothing to read or to pass over is there at once.
    while (!step.done && step.value.bytes === 0) step = this.#parser.next(new Uint8Array(0))
    this.#filled = 0
    this.#want = step.done ? undefined : step.value
    if (step.done) this.#outline = step.value
    else this.#got = new Uint8Array(step.value.isRead ? step.value.bytes : 0)
  }
}

const GRAPH = 7 // of a ModelProto
const INITIALIZER = 5 // of a GraphProto
const RAW_DATA = 9 // of a TensorProto
const [VARINT, BITS_64, LENGTH, BITS_32] = [0, 1, 2, 5]

interface Field {
  readonly number: number
  readonly wire: number
  /** As they came: the tag and, of a run of bytes, its length. */
  readonly head: Uint8Array
  /** Bytes of the value behind the head. */
  readonly length: number
}

/** Where the parser is, and what it kept. */
class Place {
  at = 0
  #kept = 0
  readonly size: number

  constructor(size: number) {
    this.size = size
  }

  *read(bytes: number): Parser<Uint8Array> {
    this.#kept += bytes
    if (this.at + bytes > this.size) throw new InfernetError('models.corrupt')
    if (this.#kept > MAX_OUTLINE_BYTES)
      throw new InfernetError('models.unsupported', {
        reason: `its graph takes more than ${MAX_OUTLINE_BYTES / MIB} MiB without its weights`,
      })
    this.at += bytes
    return yield { bytes, isRead: true }
  }

  *skip(bytes: number): Parser<void> {
    if (this.at + bytes > this.size) throw new InfernetError('models.corrupt')
    this.at += bytes
    yield { bytes, isRead: false }
  }

  *varint(): Parser<{ value: number; raw: number[] }> {
    const raw: number[] = []
    let value = 0
    for (;;) {
      const byte = (yield* this.read(1))[0] ?? 0
      raw.push(byte)
      value += (byte & 0x7f) * 2 ** (7 * (raw.length - 1))
      if (byte < 0x80) return { value, raw }
      if (raw.length === 10) throw new InfernetError('models.corrupt')
    }
  }

  *field(): Parser<Field> {
    const tag = yield* this.varint()
    const wire = tag.value % 8
    const number = Math.floor(tag.value / 8)
    if (wire === LENGTH) {
      const run = yield* this.varint()
      return { number, wire, head: Uint8Array.from([...tag.raw, ...run.raw]), length: run.value }
    }
    if (wire === VARINT) {
      const value = yield* this.varint()
      return { number, wire, head: Uint8Array.from([...tag.raw, ...value.raw]), length: 0 }
    }
    const length = wire === BITS_64 ? 8 : 4
    if (wire !== BITS_64 && wire !== BITS_32) throw new InfernetError('models.corrupt')
    return { number, wire, head: Uint8Array.from(tag.raw), length }
  }
}

function* readModel(fileName: string, size: number): Parser<Uint8Array<ArrayBuffer>> {
  const place = new Place(size)
  const parts: Uint8Array[] = []
  while (place.at < size) {
    const field = yield* place.field()
    if (field.number === GRAPH && field.wire === LENGTH) {
      const graph = yield* readGraph(place, place.at + field.length, fileName)
      parts.push(headOf(GRAPH, graph.length), graph)
    } else parts.push(field.head, yield* place.read(field.length))
  }
  return concatBytes(...parts)
}

function* readGraph(place: Place, end: number, fileName: string): Parser<Uint8Array> {
  const parts: Uint8Array[] = []
  while (place.at < end) {
    const field = yield* place.field()
    if (field.number === INITIALIZER && field.wire === LENGTH) {
      const tensor = yield* readTensor(place, place.at + field.length, fileName)
      parts.push(headOf(INITIALIZER, tensor.length), tensor)
    } else parts.push(field.head, yield* place.read(field.length))
  }
  if (place.at !== end) throw new InfernetError('models.corrupt')
  return concatBytes(...parts)
}

function* readTensor(place: Place, end: number, fileName: string): Parser<Uint8Array> {
  const parts: Uint8Array[] = []
  let left: { readonly at: number; readonly bytes: number } | undefined
  while (place.at < end) {
    const field = yield* place.field()
    if (field.number === RAW_DATA && field.wire === LENGTH && field.length > SMALL_BYTES) {
      if (left) throw new InfernetError('models.corrupt')
      left = { at: place.at, bytes: field.length }
      yield* place.skip(field.length)
    } else parts.push(field.head, yield* place.read(field.length))
  }
  if (place.at !== end) throw new InfernetError('models.corrupt')
  const kept = concatBytes(...parts)
  if (!left) return kept
  const tensor = tensorType.decode(kept)
  const bytes = tensorBytes(tensor)
  // A tensor with its data twice, or with other data than its shape says.
  if (tensor.rawData || tensor.externalData.length > 0 || (bytes !== undefined && bytes !== left.bytes))
    throw new InfernetError('models.corrupt')
  return tensorType.encode(pointingAt(tensor, fileName, left.at, left.bytes))
}

/** The tag and the length of a run of bytes. */
function headOf(number: number, length: number): Uint8Array {
  const head = [number * 8 + LENGTH]
  let rest = length
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) head.push((rest % 128) | 0x80)
  return Uint8Array.from([...head, rest])
}
