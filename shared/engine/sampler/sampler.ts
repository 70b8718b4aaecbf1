import { tokenId, type TokenId } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { SamplerParams } from '../engine.ts'
import { ln } from './ln.ts'
import { nucleus } from './nucleus.ts'
import { philox4x32 } from './philox.ts'

/** Bytes of a seed. The key and the upper half of the counter take the first 16. */
const SEED_BYTES = 32
const MAX_TEMPERATURE = 2

/**
 * Bounds of the noise for 32-bit draws: -ln(-ln(1 - 2^-33)) = 22.87 and -ln(-ln(2^-33)) = -3.13, rounded outward. A
 * token further than 26.1 temperatures below the best one can therefore never win (PROTOCOL 1.3).
 */
const HIGHEST_NOISE = 22.9
const LOWEST_NOISE = -3.2

/** Draws the tokens of one answer. */
export interface Sampler {
  /**
   * The token at `position` of the answer (0-based, counted over all engines that wrote at it).
   *
   * @param logits one number for each token of the vocabulary
   * @throws InfernetError `engine.bad-logits` when one of them is NaN or infinite
   */
  pick(logits: Float32Array, position: number): TokenId
}

/**
 * The seeded Gumbel-max sampler, normative for the network: the same logits, seed and position give the same token
 * everywhere, so that a verifier can redo each draw.
 *
 * For token v at position t, with 32-bit little-endian words of the seed s0..s7 (s4..s7 are unused):
 *
 *     x = Philox4x32-10(key = (s0, s1), counter = (t, v >> 2, s2, s3))[v & 3]
 *     u = (x + 0.5) / 2^32
 *     g = -ln(-ln(u))
 *
 * and the token with the highest z_v + temperature * g_v is taken; logits z are 32-bit floats widened to 64 bits, all
 * arithmetic is in 64 bits, `ln` is our own, and of equal scores the lowest id wins. Temperature 0 takes the highest
 * logit and ignores seed and top-p. With top-p below 1 only the tokens that `nucleus` keeps take part.
 *
 * @example
 * const sampler = createSampler({ temperature: 0.7, topP: 0.95 }, seed)
 * const token = sampler.pick(logits, 0)
 */
export function createSampler(params: SamplerParams, seed: Uint8Array): Sampler {
  checkParams(params, seed)
  const { temperature, topP } = params
  if (temperature === 0) return { pick: (logits) => tokenId(highest(logits)) }
  const noise = createNoise(seed)
  return {
    pick(logits, position) {
      const top = highest(logits)
      const kept = topP < 1 ? nucleus(logits, logits[top] ?? 0, temperature, topP) : undefined
      return tokenId(loudest(logits, logits[top] ?? 0, temperature, kept, (v) => noise(position, v)))
    },
  }
}

/** @throws InfernetError `prompt.bad-parameters` naming the first parameter that is out of range. */
export function checkParams({ temperature, topP }: SamplerParams, seed: Uint8Array): void {
  if (!(temperature >= 0 && temperature <= MAX_TEMPERATURE)) throw badParameter('temperature')
  if (!(topP > 0 && topP <= 1)) throw badParameter('topP')
  if (temperature > 0 && seed.length !== SEED_BYTES) throw badParameter('seed')
}

function badParameter(parameter: string): InfernetError {
  return new InfernetError('prompt.bad-parameters', { parameter })
}

/** The id of the highest logit, the lowest of equals. */
function highest(logits: Float32Array): number {
  let best = 0
  for (let v = 0; v < logits.length; v++) {
    const z = logits[v] ?? NaN
    if (!Number.isFinite(z)) throw new InfernetError('engine.bad-logits', { token: v })
    if (z > (logits[best] ?? NaN)) best = v
  }
  if (logits.length === 0) throw new InfernetError('engine.bad-logits', { token: 0 })
  return best
}

/** The id of the highest noisy logit among `kept` (ids in rising order), or among all. */
function loudest(
  logits: Float32Array,
  top: number,
  temperature: number,
  kept: readonly number[] | undefined,
  noise: (token: number) => number,
): number {
  const count = kept?.length ?? logits.length
  let best = -1
  let bestScore = -Infinity
  // Only a bound: it saves the draws of tokens that cannot win and changes no result.
  let reach = top + temperature * (LOWEST_NOISE - HIGHEST_NOISE)
  for (let i = 0; i < count; i++) {
    const v = kept ? (kept[i] ?? 0) : i
    const z = logits[v] ?? 0
    if (z < reach) continue
    const score = z + temperature * noise(v)
    if (score <= bestScore) continue
    best = v
    bestScore = score
    reach = Math.max(reach, score - temperature * HIGHEST_NOISE)
  }
  return best
}

/** The Gumbel noise of a seed as a function of position and token; four neighbours share one Philox block. */
function createNoise(seed: Uint8Array): (position: number, token: number) => number {
  const words = new DataView(seed.buffer, seed.byteOffset, seed.byteLength)
  const key = Uint32Array.of(words.getUint32(0, true), words.getUint32(4, true))
  const counter = Uint32Array.of(0, 0xffffffff, words.getUint32(8, true), words.getUint32(12, true))
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
