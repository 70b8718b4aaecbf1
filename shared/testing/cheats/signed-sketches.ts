import type { Engine, GenerateRequest, TokenBatch } from '../../engine/engine.ts'
import { floatToHalf } from '../../engine/score/half.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { seededChance } from '../chance.ts'
import type { Batches } from './cheat.ts'

/**
 * The answer of a cheat with the sketches that an honest engine has of these very tokens: a provider that pays for one
 * prefill more, so that its tokens alone can betray it. Comes as one batch.
 */
export async function* withRightSketches(
  honest: Engine,
  { promptTokens, priorTokens, sampler, seed, sketches: wanted, client }: GenerateRequest,
  answer: TokenBatch,
): Batches {
  if (!wanted || answer.tokens.length === 0) return yield { ...answer, sketches: undefined }
  const asked = { promptTokens, priorTokens, outputTokens: answer.tokens, sampler, seed, client }
  const scores = await honest.score(asked)
  const sketches = new Uint16Array(scores.length * SKETCH_SIZE)
  for (const [at, { sketch }] of scores.entries()) sketches.set(sketch, at * SKETCH_SIZE)
  yield { ...answer, sketches }
}

/** Root of the mean square of Infernet Tiny's centred logits: made-up ones look like them. */
const SPREAD_LOGITS = 3

/** Sketches that no model computed, with the mean and the spread of real ones. */
export function madeUpSketches(count: number, seed: number): Uint16Array {
  const chance = seededChance(seed)
  const sketches = new Uint16Array(count * SKETCH_SIZE)
  for (let at = 0; at < sketches.length; at += SKETCH_SIZE) {
    // Three draws of a uniform distribution are normal enough, and their sum has a variance of a quarter.
    const values = Array.from({ length: SKETCH_SIZE }, () => (chance() + chance() + chance() - 1.5) * 2)
    const mean = values.reduce((sum, value) => sum + value, 0) / SKETCH_SIZE
    sketches.set(
      values.map((value) => floatToHalf((value - mean) * SPREAD_LOGITS)),
      at,
    )
  }
  return sketches
}
