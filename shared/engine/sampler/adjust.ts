import type { SamplerParams } from '../engine.ts'

/** What the penalties and the bias make of the logits, SAMPLER.md step 2; it follows the text as it grows. */
export interface Adjustment {
  /** Changes `logits` in place. */
  apply(logits: Float32Array): void
  /** The answer goes on with `token`. */
  add(token: number): void
}

/** Undefined when nothing would change. */
export function createAdjustment(
  params: SamplerParams,
  promptTokens: readonly number[],
): Adjustment | undefined {
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0, logitBias = [] } = params
  const isPenalised = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0
  if (!isPenalised && logitBias.length === 0) return undefined
  const biases = new Map(logitBias)
  /** How often the answer holds a token; 0 for tokens of the prompt alone and for those with a bias alone. */
  const counts = new Map<number, number>()
  const seen = new Set<number>()
  for (const token of biases.keys()) counts.set(token, 0)
  if (repetitionPenalty !== 1)
    for (const token of promptTokens) {
      counts.set(token, 0)
      seen.add(token)
    }

  return {
    apply(logits) {
      for (const [token, count] of counts) {
        let s = logits[token] ?? 0
        if (seen.has(token)) s = s > 0 ? s / repetitionPenalty : s * repetitionPenalty
        if (count > 0) s = s - count * frequencyPenalty - presencePenalty
        logits[token] = s + (biases.get(token) ?? 0)
      }
    },
    add(token) {
      if (!isPenalised) return
      seen.add(token)
      counts.set(token, (counts.get(token) ?? 0) + 1)
    },
  }
}
