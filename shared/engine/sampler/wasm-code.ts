/**
 * Just enough of a WebAssembly assembler for `scan-module.ts`: https://webassembly.github.io/spec/core/binary/
 *
 * A piece of code is a list of bytes; functions take the code of their operands, so that code reads like an expression.
 */
export type Code = readonly number[]

export const I32 = 0x7f
export const F32 = 0x7d
export const V128 = 0x7b

/** An unsigned number in LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return [...bytes, value]
}

function signed(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value | 0; ; rest >>= 7) {
    const isLast = rest >= -64 && rest < 64
    bytes.push(isLast ? rest & 0x7f : (rest & 0x7f) | 0x80)
    if (isLast) return bytes
  }
}

function floatBytes(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)]
}

export const get = (local: number): Code => [0x20, ...unsigned(local)]
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)]
export const i32 = (value: number): Code => [0x41, ...signed(value)]
export const f32 = (value: number): Code => [0x43, ...floatBytes(value)]

const plain =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), opcode]
export const add = plain(0x6a)
export const subtract = plain(0x6b)
export const and = plain(0x71)
export const or = plain(0x72)
export const shiftLeft = plain(0x74)
export const shiftRight = plain(0x76)
export const trailingZeros = plain(0x68)
export const lessThan = plain(0x49)
export const floatAtLeast = plain(0x60)
export const floatMax = plain(0x97)

export const load = (address: Code, offset = 0): Code => [...address, 0x2a, 2, ...unsigned(offset)]
export const storeInt = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0x36,
  2,
  ...unsigned(offset),
]
export const storeFloat = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0x38,
  2,
  ...unsigned(offset),
]

/** Runs `body` while `condition` holds, which is looked at before each turn. */
export const loopWhile = (condition: Code, body: Code): Code => [
  ...[0x02, 0x40, 0x03, 0x40],
  ...condition,
  ...[0x45, 0x0d, 1], // eqz, br_if out of the block
  ...body,
  ...[0x0c, 0, 0x0b, 0x0b], // br to the loop
]
export const when = (condition: Code, body: Code): Code => [...condition, 0x04, 0x40, ...body, 0x0b]

const vector =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), 0xfd, ...unsigned(opcode)]
export const v128 = {
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, 4, ...unsigned(offset)],
  ints: (...lanes: readonly [number, number, number, number]): Code => [
    ...[0xfd, 0x0c],
    ...new Uint8Array(Uint32Array.of(...lanes).buffer),
  ],
  /** Four lanes of 32 bits picked from the eight of `a` and `b`. */
  lanes: (a: Code, b: Code, ...picked: readonly [number, number, number, number]): Code => [
    ...a,
    ...b,
    ...[0xfd, 0x0d],
    ...picked.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
  ],
  extract: (value: Code, lane: number): Code => [...value, 0xfd, 0x1f, lane],
  splatInt: vector(0x11),
  splat: vector(0x13),
  atLeast: vector(0x46),
  less: vector(0x43),
  not: vector(0x4d),
  and: vector(0x4e),
  xor: vector(0x51),
  allTrue: vector(0xa3),
  bitmask: vector(0xa4),
  addInt: vector(0xae),
  multiplyInt: vector(0xb5),
  /** The 64-bit products of the unsigned lanes 0 and 1, or 2 and 3. */
  productsLow: vector(0xde),
  productsHigh: vector(0xdf),
  absolute: vector(0xe0),
  add: vector(0xe4),
  subtract: vector(0xe5),
  multiply: vector(0xe6),
  higher: vector(0xeb),
  fromInt: vector(0xfa),
  fromUnsigned: vector(0xfb),
}

export interface WasmFunction {
  readonly name: string
  readonly params: readonly number[]
  /** Types of the locals, which come after the params. */
  readonly locals: readonly number[]
  /** Leaves an i32. */
  readonly body: Code
}

/** A module that exports `memory` of so many pages, and the functions. */
export function assemble(pages: number, functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes]
  const many = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
  const section = (id: number, bytes: Code): number[] => [id, ...sized(bytes)]
  const name = (text: string): number[] => sized([...new TextEncoder().encode(text)])
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, many(functions.map(({ params }) => [0x60, ...sized(params), 1, I32]))),
    ...section(3, many(functions.map((_, i) => unsigned(i)))),
    ...section(5, many([[1, ...unsigned(pages), ...unsigned(pages)]])),
    ...section(
      7,
      many([
        [...name('memory'), 2, 0],
        ...functions.map((each, i) => [...name(each.name), 0, ...unsigned(i)]),
      ]),
    ),
    ...section(
      10,
      many(
        functions.map(({ locals, body }) => sized([...many(locals.map((type) => [1, type])), ...body, 0x0b])),
      ),
    ),
  ])
}
