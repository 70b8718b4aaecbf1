import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { InfernetError } from '../../errors/infernet-error.ts'

/**
 * Protocol-buffer messages from a table of their fields, so that ONNX's few message types need no generated code.
 *
 * Byte fields are views of the file. Fields that the table does not name are kept as they came and written after the
 * named ones, so a message that is read and written says what it said.
 */
export interface Message {
  readonly unknown: readonly UnknownField[]
}

/** A field that the table does not name; `data` is its value as it lies in the file. */
interface UnknownField {
  readonly number: number
  readonly wire: WireType
  readonly data: Uint8Array
}

/** What is left of the bound on values in one file: a bomb of empty messages ends here and not in the heap. */
interface Budget {
  left: number
}

interface ValueType<T> {
  readonly wire: WireType
  read(reader: BinaryReader, budget: Budget): T
  /** Without the tag. */
  write(writer: BinaryWriter, value: T): void
}

interface Field<T> {
  readonly number: number
  readonly many: boolean
  readonly type: ValueType<unknown>
  /** Only for the compiler: what the field holds. */
  readonly holds?: T
}

export type Fields = Readonly<Record<string, Field<unknown>>>
type MessageOf<F extends Fields> = {
  readonly [Key in keyof F]: F[Key] extends Field<infer T> ? T : never
} & Message

export interface MessageType<T> extends ValueType<T> {
  /** @throws InfernetError `models.corrupt` when the bytes are no such message */
  decode(bytes: Uint8Array): T
  encode(message: T): Uint8Array<ArrayBuffer>
}

/** The type of the messages that a table describes. */
export type Decoded<M> = M extends MessageType<infer T> ? T : never

/** A field that is there at most once. */
export function one<T>(number: number, type: ValueType<T>): Field<T | undefined> {
  return { number, many: false, type: type }
}

export function many<T>(number: number, type: ValueType<T>): Field<readonly T[]> {
  return { number, many: true, type: type }
}

export const text: ValueType<string> = {
  wire: WireType.LengthDelimited,
  read: (reader) => reader.string(true),
  write: (writer, value) => void writer.string(value),
}

/** A view of the file, never a copy. */
export const bytes: ValueType<Uint8Array> = {
  wire: WireType.LengthDelimited,
  read: (reader) => reader.bytes(),
  write: (writer, value) => void writer.bytes(value),
}

export const int64: ValueType<bigint> = {
  wire: WireType.Varint,
  read: (reader) => BigInt(reader.int64()),
  write: (writer, value) => void writer.int64(value),
}

export const int32: ValueType<number> = {
  wire: WireType.Varint,
  read: (reader) => reader.int32(),
  write: (writer, value) => void writer.int32(value),
}

export const float: ValueType<number> = {
  wire: WireType.Bit32,
  read: (reader) => reader.float(),
  write: (writer, value) => void writer.float(value),
}

/** The largest models that are known have some 10,000 nodes of ten values each. */
const MAX_VALUES = 1 << 21

export function message<F extends Fields>(fields: F): MessageType<MessageOf<F>> {
  const byNumber = new Map(Object.entries(fields).map(([key, field]) => [field.number, { key, ...field }]))

  function readUntil(reader: BinaryReader, end: number, budget: Budget): MessageOf<F> {
    const values: Record<string, unknown> = {}
    for (const [key, field] of Object.entries(fields)) values[key] = field.many ? [] : undefined
    const unknown: UnknownField[] = []
    while (reader.pos < end) {
      const [number, wire] = reader.tag()
      spend(budget)
      const field = byNumber.get(number)
      if (!field) {
        // Groups are the one thing that nests inside what we skip, and ONNX has none.
        if (wire === WireType.StartGroup || wire === WireType.EndGroup) throw new Error('a group')
        unknown.push({ number, wire, data: reader.skip(wire, number) })
      } else if (field.many) {
        readMany(reader, wire, field.type, values[field.key] as unknown[], budget)
      } else {
        // Readers merge a field that comes twice, each in its way: what we check would not be what runs.
        if (values[field.key] !== undefined) throw new Error(`${field.key} twice`)
        if (wire !== field.type.wire) throw new Error(`wire type of ${field.key}`)
        values[field.key] = field.type.read(reader, budget)
      }
    }
    if (reader.pos !== end) throw new Error('a field ends behind its message')
    return { ...values, unknown } as unknown as MessageOf<F>
  }

  function writeFields(writer: BinaryWriter, value: MessageOf<F>): void {
    const values = value as Readonly<Record<string, unknown>>
    for (const [key, field] of Object.entries(fields)) {
      const held = values[key]
      if (field.many) writeMany(writer, field, held as readonly unknown[])
      else if (held !== undefined) field.type.write(writer.tag(field.number, field.type.wire), held)
    }
    for (const { number, wire, data } of value.unknown) writer.tag(number, wire).raw(data)
  }

  return {
    wire: WireType.LengthDelimited,
    read(reader, budget) {
      const length = reader.uint32()
      const end = reader.pos + length
      if (end > reader.len) throw new Error('a message ends behind the file')
      return readUntil(reader, end, budget)
    },
    write(writer, value) {
      writer.fork()
      writeFields(writer, value)
      writer.join()
    },
    decode(from) {
      try {
        return readUntil(new BinaryReader(from), from.length, { left: MAX_VALUES })
      } catch (cause) {
        throw new InfernetError('models.corrupt', {}, { cause })
      }
    },
    encode(value) {
      const writer = new BinaryWriter()
      writeFields(writer, value)
      return writer.finish()
    },
  }
}

function spend(budget: Budget): void {
  if (--budget.left < 0) throw new Error(`more than ${MAX_VALUES} values`)
}

/** Numbers may lie one by one or packed into one run; which of the two is the writer's choice. */
function readMany(
  reader: BinaryReader,
  wire: WireType,
  type: ValueType<unknown>,
  into: unknown[],
  budget: Budget,
): void {
  if (wire === type.wire) {
    into.push(type.read(reader, budget))
  } else if (wire === WireType.LengthDelimited) {
    const length = reader.uint32()
    const end = reader.pos + length
    if (end > reader.len) throw new Error('a run ends behind the file')
    while (reader.pos < end) {
      spend(budget)
      into.push(type.read(reader, budget))
    }
    if (reader.pos !== end) throw new Error('a value ends behind its run')
  } else throw new Error('wire type')
}

function writeMany(writer: BinaryWriter, field: Field<unknown>, values: readonly unknown[]): void {
  const { number, type } = field
  if (type.wire === WireType.LengthDelimited) {
    for (const value of values) type.write(writer.tag(number, type.wire), value)
  } else if (values.length > 0) {
    writer.tag(number, WireType.LengthDelimited).fork()
    for (const value of values) type.write(writer, value)
    writer.join()
  }
}
