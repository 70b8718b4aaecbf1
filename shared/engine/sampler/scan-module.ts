import {
  add,
  and,
  assemble,
  F32,
  f32,
  floatAtLeast,
  floatMax,
  get,
  I32,
  i32,
  lessThan,
  load,
  loopWhile,
  or,
  set,
  shiftLeft,
  shiftRight,
  storeFloat,
  storeInt,
  subtract,
  trailingZeros,
  v128,
  V128,
  when,
  type Code,
} from './wasm-code.ts'

/** Most logits that fit in the module's memory. */
export const MAX_SCANNED = 2 ** 20
/** Fewest logits of a block. */
export const LEAST_BLOCK = 16
/** Where what lies, in bytes: the logits, the highest of each block, ids that were found. Untouched pages cost nothing. */
export const MAXIMA_AT = 4 * MAX_SCANNED
export const FOUND_AT = MAXIMA_AT + 4 * (MAX_SCANNED / LEAST_BLOCK)
const PAGES = (FOUND_AT + 4 * MAX_SCANNED) / 65_536

/**
 * The functions of the module. `bytes` is four times the number of logits, a multiple of `block`; `block` is the bytes
 * of a block, a multiple of 64. Ids that are found lie at {@link FOUND_AT} in rising order.
 */
export interface ScanFunctions {
  /** Writes the highest logit of each block; 0 when one is NaN or Infinity, else 1. */
  readonly peaks: (bytes: number, block: number) => number
  /** Finds the logits that are at least `least`; gives how many. The peaks must be written. */
  readonly gather: (bytes: number, block: number, least: number) => number
  /**
   * Finds the logits z for which z + `high` - `slope` * bits may reach `reach`, where bits is the 32-bit float of the
   * complement of the token's Philox word, read as an integer; gives how many. Blocks whose peak is below `least` are
   * left out. The peaks must be written.
   */
  readonly noisy: (
    bytes: number,
    block: number,
    least: number,
    reach: number,
    high: number,
    slope: number,
    ...words: readonly [position: number, key0: number, key1: number, counter2: number, counter3: number]
  ) => number
}

const VECTOR = 16

/** For each block whose peak is at least local `least`: sets local `at` to its first byte, `end` past its last. */
function eachBlock(
  bytes: number,
  block: number,
  at: number,
  end: number,
  peak: number,
  test: Code,
  body: Code,
): Code {
  return [
    ...set(at, i32(0)),
    ...set(peak, i32(MAXIMA_AT)),
    ...loopWhile(lessThan(get(at), get(bytes)), [
      ...set(end, add(get(at), get(block))),
      ...when(test, body),
      ...set(at, get(end)),
      ...set(peak, add(get(peak), i32(4))),
    ]),
  ]
}

/** Stores the token ids of the bits that are set in local `bits`, the lowest for the logit at byte `at`. */
function storeIds(bits: number, at: number, out: number): Code {
  return loopWhile(get(bits), [
    ...storeInt(get(out), add(shiftRight(get(at), i32(2)), trailingZeros(get(bits)))),
    ...set(out, add(get(out), i32(4))),
    ...set(bits, and(get(bits), subtract(get(bits), i32(1)))),
  ])
}

const countOf = (out: number): Code => shiftRight(subtract(get(out), i32(FOUND_AT)), i32(2))

const peaks = (() => {
  const [bytes, block, at, end, peak, z, z1, z2, z3, highest, good] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const
  const isGood = (lanes: number): Code => v128.less(get(lanes), v128.splat(f32(Infinity)))
  return {
    name: 'peaks',
    params: [I32, I32],
    locals: [I32, I32, I32, V128, V128, V128, V128, V128, V128],
    body: [
      ...set(good, v128.ints(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)),
      ...eachBlock(bytes, block, at, end, peak, i32(1), [
        ...set(highest, v128.load(get(at))),
        ...loopWhile(lessThan(get(at), get(end)), [
          ...set(z, v128.load(get(at))),
          ...set(z1, v128.load(get(at), VECTOR)),
          ...set(z2, v128.load(get(at), 2 * VECTOR)),
          ...set(z3, v128.load(get(at), 3 * VECTOR)),
          ...set(
            good,
            v128.and(get(good), v128.and(v128.and(isGood(z), isGood(z1)), v128.and(isGood(z2), isGood(z3)))),
          ),
          ...set(z, v128.higher(v128.higher(get(z), get(z1)), v128.higher(get(z2), get(z3)))),
          ...set(highest, v128.higher(get(highest), get(z))),
          ...set(at, add(get(at), i32(4 * VECTOR))),
        ]),
        ...storeFloat(
          get(peak),
          floatMax(
            floatMax(v128.extract(get(highest), 0), v128.extract(get(highest), 1)),
            floatMax(v128.extract(get(highest), 2), v128.extract(get(highest), 3)),
          ),
        ),
      ]),
      ...v128.allTrue(get(good)),
    ],
  }
})()

const gather = (() => {
  const [bytes, block, least, at, end, peak, out, bits] = [0, 1, 2, 3, 4, 5, 6, 7] as const
  return {
    name: 'gather',
    params: [I32, I32, F32],
    locals: [I32, I32, I32, I32, I32],
    body: [
      ...set(out, i32(FOUND_AT)),
      ...eachBlock(bytes, block, at, end, peak, floatAtLeast(load(get(peak)), get(least)), [
        ...loopWhile(lessThan(get(at), get(end)), [
          ...set(bits, v128.bitmask(v128.atLeast(v128.load(get(at)), v128.splat(get(least))))),
          ...storeIds(bits, at, out),
          ...set(at, add(get(at), i32(VECTOR))),
        ]),
      ]),
      ...countOf(out),
    ],
  }
})()

/** See `philox.ts`; here one lane is one block of four tokens. */
const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85
const ROUNDS = 10

const noisy = (() => {
  const [bytes, block, least, reach, high, slope, position, key0, key1, counter2, counter3] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const
  const [at, end, peak, out, bits] = [11, 12, 13, 14, 15] as const
  const [c0, c1, c2, c3, k0, k1, low0, low1, t0, t1, t2, t3] = [
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
  ] as const
  const four = (value: number): Code => v128.ints(value, value, value, value)
  /** The upper words of the products of four lanes. */
  const upper = (multiplier: number, lanes: number): Code =>
    v128.lanes(
      v128.productsLow(get(lanes), four(multiplier)),
      v128.productsHigh(get(lanes), four(multiplier)),
      ...([1, 3, 5, 7] as const),
    )
  const round = [
    ...set(low0, v128.multiplyInt(get(c0), four(MULTIPLIER_0))),
    ...set(low1, v128.multiplyInt(get(c2), four(MULTIPLIER_1))),
    ...set(t0, v128.xor(v128.xor(upper(MULTIPLIER_1, c2), get(c1)), get(k0))),
    ...set(c2, v128.xor(v128.xor(upper(MULTIPLIER_0, c0), get(c3)), get(k1))),
    ...set(c0, get(t0)),
    ...set(c1, get(low1)),
    ...set(c3, get(low0)),
    ...set(k0, v128.addInt(get(k0), four(WEYL_0))),
    ...set(k1, v128.addInt(get(k1), four(WEYL_1))),
  ]
  /** Whether each of the four tokens of `words`, whose logits lie at `at` + `offset`, may win: four bits. */
  const mayWin = (words: Code, offset: number): Code =>
    v128.bitmask(
      v128.atLeast(
        v128.add(
          v128.load(get(at), offset),
          v128.subtract(
            v128.splat(get(high)),
            v128.multiply(v128.splat(get(slope)), v128.fromInt(v128.fromUnsigned(v128.not(words)))),
          ),
        ),
        v128.splat(get(reach)),
      ),
    )
  return {
    name: 'noisy',
    params: [I32, I32, F32, F32, F32, F32, I32, I32, I32, I32, I32],
    locals: [...Array<number>(5).fill(I32), ...Array<number>(12).fill(V128)],
    body: [
      ...set(out, i32(FOUND_AT)),
      ...eachBlock(bytes, block, at, end, peak, floatAtLeast(load(get(peak)), get(least)), [
        ...loopWhile(lessThan(get(at), get(end)), [
          ...set(c0, v128.splatInt(get(position))),
          ...set(c1, v128.addInt(v128.splatInt(shiftRight(get(at), i32(4))), v128.ints(0, 1, 2, 3))),
          ...set(c2, v128.splatInt(get(counter2))),
          ...set(c3, v128.splatInt(get(counter3))),
          ...set(k0, v128.splatInt(get(key0))),
          ...set(k1, v128.splatInt(get(key1))),
          ...Array.from({ length: ROUNDS }, () => round).flat(),
          // Lane i of c0..c3 belongs to tokens 4i..4i+3: turned, so that a vector is four neighbours.
          ...set(t0, v128.lanes(get(c0), get(c1), 0, 4, 1, 5)),
          ...set(t1, v128.lanes(get(c2), get(c3), 0, 4, 1, 5)),
          ...set(t2, v128.lanes(get(c0), get(c1), 2, 6, 3, 7)),
          ...set(t3, v128.lanes(get(c2), get(c3), 2, 6, 3, 7)),
          ...set(
            bits,
            or(
              or(
                mayWin(v128.lanes(get(t0), get(t1), 0, 1, 4, 5), 0),
                shiftLeft(mayWin(v128.lanes(get(t0), get(t1), 2, 3, 6, 7), VECTOR), i32(4)),
              ),
              or(
                shiftLeft(mayWin(v128.lanes(get(t2), get(t3), 0, 1, 4, 5), 2 * VECTOR), i32(8)),
                shiftLeft(mayWin(v128.lanes(get(t2), get(t3), 2, 3, 6, 7), 3 * VECTOR), i32(12)),
              ),
            ),
          ),
          ...storeIds(bits, at, out),
          ...set(at, add(get(at), i32(4 * VECTOR))),
        ]),
      ]),
      ...countOf(out),
    ],
  }
})()

/** The module, about 3 KB. */
export function scanModule(): Uint8Array<ArrayBuffer> {
  return assemble(PAGES, [peaks, gather, noisy])
}
