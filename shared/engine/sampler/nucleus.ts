import { exp } from './exp.ts'

/**
 * The tokens that top-p keeps, as ids in rising order. Normative, bit by bit:
 *
 * 1. weight w_v = exp((z_v - z_max) / temperature), in 64 bits, with our own `exp`; the sum of all weights is taken in
 *    the order of rising ids;
 * 2. tokens are ordered by falling logit, equal logits by rising id;
 * 3. weights are added in that order, and tokens are kept up to and including the first at which the running sum
 *    reaches `topP` times the sum of all. If rounding keeps it from ever reaching that, all are kept.
 *
 * So the filter sees the distribution at the temperature that is sampled at, and comes before the noise.
 */
export function nucleus(logits: Float32Array, top: number, temperature: number, topP: number): number[] {
  const weightOf = (v: number): number => exp(((logits[v] ?? 0) - top) / temperature)
  let total = 0
  for (let v = 0; v < logits.length; v++) total += weightOf(v)
  const target = topP * total
  const kept: number[] = []
  let running = 0
  // Sorting a vocabulary of 150,000 takes longer than the model. The order is walked in slices from the top, each a
  // band of logits twice as wide as the one before: the same order, and mostly the first band is enough.
  for (let depth = 2, ceiling = Infinity; ; depth *= 2) {
    const floor = depth > MAX_DEPTH ? -Infinity : top - depth * temperature
    const band: number[] = []
    for (let v = 0; v < logits.length; v++) {
      const z = logits[v] ?? 0
      if (z >= floor && z < ceiling) band.push(v)
    }
    band.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
    for (const v of band) {
      kept.push(v)
      running += weightOf(v)
      if (running >= target) return kept.sort((a, b) => a - b)
    }
    if (floor === -Infinity) return kept.sort((a, b) => a - b)
    ceiling = floor
  }
}

/** Beyond this many temperatures below the top one band takes all the rest: exp(-64) adds nothing. */
const MAX_DEPTH = 64
