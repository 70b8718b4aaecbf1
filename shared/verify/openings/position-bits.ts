import { MAX_OUTPUT_TOKENS } from '../../prompt/constants.ts'

/** A bit for each position of the longest answer. */
export const MAX_POSITION_BYTES = MAX_OUTPUT_TOKENS / 8

/**
 * Positions of an answer as bits, from its first one on, the lowest bit first.
 *
 * @param from position in the answer of the first bit; no position is below it
 */
export function positionBits(positions: readonly number[], from: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(Math.ceil(((positions.at(-1) ?? from - 1) - from + 1) / 8))
  for (const position of positions) {
    const at = position - from
    bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
  }
  return bits
}

/** The positions again, in rising order. */
export function positionsIn(bits: Uint8Array, from: number): readonly number[] {
  return Array.from(bits).flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bit) => (byte & (1 << bit) ? [from + 8 * i + bit] : [])),
  )
}
