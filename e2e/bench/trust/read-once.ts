import type { Engine, ScoreRequest, TokenScore } from '#shared/engine/engine.ts'

/** Answers that are remembered: those that one task has at once. */
const MAX_REMEMBERED = 64

/**
 * An engine that reads the same answer once. Provider and verifier of the bench are one engine on one machine, and what
 * such an engine finds is the same each time; a cheat that reads its answer for the right sketches thus costs no second
 * pass.
 */
export function readingOnce(engine: Engine): Engine {
  const known = new Map<string, Promise<readonly TokenScore[]>>()
  return {
    ...engine,
    score(request, options) {
      const key = keyOf(request)
      const scores = known.get(key) ?? engine.score(request, options)
      known.set(key, scores)
      for (const eldest of known.keys()) if (known.size > MAX_REMEMBERED) known.delete(eldest)
      return scores
    },
  }
}

function keyOf({ promptTokens, priorTokens = [], outputTokens, sampler, seed }: ScoreRequest): string {
  return JSON.stringify([promptTokens, priorTokens, outputTokens, sampler, [...seed]])
}
