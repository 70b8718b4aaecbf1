import type { Random } from '../../base/random.ts'

/** Random bytes are taken in blocks: a draw among 32 offers needs some hundred numbers. */
const BLOCK_BYTES = 1024

/** Only chance that is broken comes this far. */
const MAX_TRIES = 100

/** Numbers between 0 and 1, neither of them included, with 32 random bits each. */
export function evenFrom(random: Random): () => number {
  let block = new DataView(new ArrayBuffer(0))
  let at = 0
  return () => {
    if (at + 4 > block.byteLength) {
      block = new DataView(random.bytes(BLOCK_BYTES).buffer)
      at = 0
    }
    const word = block.getUint32(at)
    at += 4
    return (word + 0.5) / 2 ** 32
  }
}

/**
 * One draw of Beta(a, b), from two of the gamma distribution.
 *
 * @param a at least 1, as `b`: a prior of ours is never below one
 * @param even numbers in (0, 1), independent
 */
export function drawBeta(a: number, b: number, even: () => number): number {
  const x = drawGamma(a, even)
  return x / (x + drawGamma(b, even))
}

/**
 * One draw of Gamma(shape, 1) for a shape of at least 1: Marsaglia and Tsang, _A simple method for generating gamma
 * variables_, ACM Transactions on Mathematical Software 26 (2000). It rejects less than 5 % of its tries.
 */
function drawGamma(shape: number, even: () => number): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const x = drawNormal(even)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    const u = even()
    if (u < 1 - 0.0331 * x ** 4 || Math.log(u) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v
  }
  return d
}

/** Box and Muller, one of the two. */
function drawNormal(even: () => number): number {
  return Math.sqrt(-2 * Math.log(even())) * Math.cos(2 * Math.PI * even())
}
