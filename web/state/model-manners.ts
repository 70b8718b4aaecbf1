import type { SamplerParams } from '#shared/engine/engine.ts'
import type { Manifest } from '#shared/models/manifest.ts'

/** How a model is best asked. The manifest says what it is, this what it is good for. */
export interface Manners {
  /** Prompt and answer together, where that is less than the model could hold. */
  readonly contextLength: number | undefined
  readonly answerTokens: number
  readonly sampler: SamplerParams
  /** What to ask for a million tokens when nobody said otherwise, in base units. */
  readonly pricePerMillion: bigint
  readonly examples: readonly string[]
}

const INF = 10n ** 18n

/**
 * Infernet Tiny was trained on chats of up to 512 tokens, half of the context it could hold; sums and facts want the
 * likeliest token, and a low temperature still varies its stories.
 */
const TINY: Manners = {
  contextLength: 512,
  answerTokens: 128,
  sampler: { temperature: 0.2, topP: 0.9 },
  pricePerMillion: INF / 5n,
  examples: ['Tell me a story about a fox and a lantern.', 'What is 7 plus 5?', 'What does a relay do?'],
}

/** A larger model costs more time and memory; a price by size keeps the suggestion in proportion. */
export function mannersOf(manifest: Manifest): Manners {
  if (manifest.id === 'infernet-tiny') return TINY
  const bytes = manifest.files.reduce((sum, file) => sum + file.size, 0)
  return {
    contextLength: undefined,
    answerTokens: Math.min(512, Math.floor(manifest.contextLength / 2)),
    sampler: { temperature: 0.7, topP: 0.9 },
    pricePerMillion: (INF * BigInt(Math.max(2, Math.round(bytes / 50_000_000)))) / 10n,
    examples: [
      'Explain to a ten-year-old why the sky is blue.',
      'Write four lines about a lighthouse in winter.',
      'What should I check before I buy a used bicycle?',
    ],
  }
}
