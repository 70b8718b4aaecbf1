import { halfToFloat } from '../../engine/score/half.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'

/** A difference that is no number, or infinite, counts as the largest that halves can have. */
const MOST_LOGITS = 131_008

/** How far sketches lie apart, in logits. */
export interface SketchDistance {
  /** Tokens that were compared. */
  readonly tokens: number
  /** Root of the mean square over all numbers of all tokens; 0 of none. */
  readonly mean: number
  /** The same of the token where it is largest. */
  readonly largest: number
}

/**
 * Compares pairs of sketches, each of sixteen halves. Two equal infinities do not differ: a logit of -Infinity is one
 * that both keep out.
 */
export function sketchDistance(pairs: Iterable<readonly [Uint16Array, Uint16Array]>): SketchDistance {
  let tokens = 0
  let sum = 0
  let largest = 0
  for (const [one, other] of pairs) {
    const square = meanSquare(one, other)
    tokens++
    sum += square
    largest = Math.max(largest, square)
  }
  return { tokens, mean: Math.sqrt(sum / Math.max(1, tokens)), largest: Math.sqrt(largest) }
}

function meanSquare(one: Uint16Array, other: Uint16Array): number {
  let sum = 0
  for (let i = 0; i < SKETCH_SIZE; i++) sum += differenceOf(one[i] ?? 0, other[i] ?? 0) ** 2
  return sum / SKETCH_SIZE
}

function differenceOf(one: number, other: number): number {
  if (one === other) return 0
  const difference = halfToFloat(one) - halfToFloat(other)
  return Number.isFinite(difference) ? difference : MOST_LOGITS
}

/** The sketch of one token out of those of many that stand one after the other. */
export function sketchAt(sketches: Uint16Array, at: number): Uint16Array {
  return sketches.subarray(at * SKETCH_SIZE, (at + 1) * SKETCH_SIZE)
}

/** Sketches one after the other, as they are bound, sent and kept. */
export function joinSketches(sketches: readonly Uint16Array[]): Uint16Array {
  const joined = new Uint16Array(sketches.length * SKETCH_SIZE)
  for (const [at, sketch] of sketches.entries()) joined.set(sketch.subarray(0, SKETCH_SIZE), at * SKETCH_SIZE)
  return joined
}

/** Halves as bytes, each little-endian. */
export function sketchBytes(sketches: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2 * sketches.length)
  for (const [i, half] of sketches.entries()) {
    bytes[2 * i] = half & 0xff
    bytes[2 * i + 1] = half >> 8
  }
  return bytes
}

/** The inverse of {@link sketchBytes}; an odd last byte is left out. */
export function sketchesFrom(bytes: Uint8Array): Uint16Array {
  return Uint16Array.from(
    { length: bytes.length >> 1 },
    (_, i) => (bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8),
  )
}
