import type { SamplerParams } from '#shared/engine/engine.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { textLimit } from '#shared/models/text-limit.ts'

/** How a model is best asked. The manifest says what it is, this what it is good for. */
export interface ModelDefaults {
  /** Prompt and answer together, where that is less than the model could hold. */
  readonly contextLength: number | undefined
  readonly answerTokens: number
  readonly sampler: SamplerParams
  readonly examples: readonly string[]
}

/**
 * Infernet Tiny was trained on chats of up to 512 tokens, half of the context it could hold; sums and facts want the
 * likeliest token, and a low temperature still varies its stories.
 */
const TINY: ModelDefaults = {
  contextLength: 512,
  answerTokens: 128,
  sampler: { temperature: 0.2, topP: 0.9 },
  examples: ['Tell me a story about a fox and a lantern.', 'What is 7 plus 5?', 'What does a relay do?'],
}

/** Room for a thought and for the answer after it. */
const ANSWER_TOKENS = 4096

export function defaultsOf(manifest: Manifest): ModelDefaults {
  if (manifest.id === 'infernet-tiny') return TINY
  return {
    contextLength: undefined,
    answerTokens: Math.min(ANSWER_TOKENS, Math.floor(textLimit(manifest) / 2)),
    sampler: { temperature: 0.7, topP: 0.9 },
    examples: [
      'Explain to a ten-year-old why the sky is blue.',
      'Write four lines about a lighthouse in winter.',
      'What should I check before I buy a used bicycle?',
    ],
  }
}
