import type { Random } from '../base/random.ts'

/** Numbers in [0, 1) that a seed decides: the same again in every run. */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes that a seed decides. */
export function seededRandom(seed: number): Random {
  const chance = seededChance(seed)
  return { bytes: (length) => Uint8Array.from({ length }, () => Math.floor(chance() * 256)) }
}
