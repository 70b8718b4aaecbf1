import { ln } from './ln.ts'
import { philox4x32 } from './philox.ts'

/** Above any noise of a 32-bit draw: -ln(-ln(1 - 2^-33)) = 22.87, rounded outward. The least is -3.14. */
export const HIGHEST_NOISE = 22.9

export type SeedWords = readonly [number, number, number, number]

/** The first four little-endian words of a seed; the others are not used. */
export function seedWords(seed: Uint8Array): SeedWords {
  const words = new DataView(seed.buffer, seed.byteOffset, seed.byteLength)
  return [
    words.getUint32(0, true),
    words.getUint32(4, true),
    words.getUint32(8, true),
    words.getUint32(12, true),
  ]
}

/** The Gumbel noise of a seed as a function of position and token; four neighbours share one Philox block. */
export function createNoise([key0, key1, high0, high1]: SeedWords): (
  position: number,
  token: number,
) => number {
  const key = Uint32Array.of(key0, key1)
  const counter = Uint32Array.of(0, 0xffffffff, high0, high1)
  const block = new Uint32Array(4)
  return (position, token) => {
    if (counter[0] !== position || counter[1] !== token >>> 2) {
      counter[0] = position
      counter[1] = token >>> 2
      philox4x32(counter, key, block)
    }
    const u = ((block[token & 3] ?? 0) + 0.5) / 2 ** 32
    return -ln(-ln(u))
  }
}
