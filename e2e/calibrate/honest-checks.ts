import type { Engine, SamplerParams } from '#shared/engine/engine.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import type { Envelope } from '#shared/verify/calibration/envelope.ts'
import { findingsOf } from '#shared/verify/check/findings.ts'
import { sketchAt } from '#shared/verify/statistics/sketch-distance.ts'
import type { Findings } from '#shared/verify/verdict.ts'
import type { Asking } from './prompts.ts'

/** An answer as an honest provider gives it, with the sketches that it would sign. */
export interface HonestAnswer {
  readonly promptTokens: readonly number[]
  readonly outputTokens: readonly number[]
  readonly sampler: SamplerParams
  readonly seed: Uint8Array
  readonly sketches: readonly Uint16Array[]
}

const MAX_TOKENS = 256

/** Writes an answer, and keeps the sketches of its tokens. */
export async function answer(
  engine: Engine,
  tokenizer: ChatTokenizer,
  { text, sampler, seed }: Asking,
): Promise<HonestAnswer> {
  const promptTokens = tokenizer.encodeChat([{ role: 'user', content: text }])
  const outputTokens: number[] = []
  const sketches: Uint16Array[] = []
  const request = { promptTokens, priorTokens: [], sampler, seed, maxTokens: MAX_TOKENS, sketches: true }
  for await (const batch of engine.generate(request)) {
    outputTokens.push(...batch.tokens)
    for (const [at] of batch.tokens.entries())
      sketches.push(sketchAt(batch.sketches ?? new Uint16Array(), at))
  }
  return { promptTokens, outputTokens, sampler, seed, sketches }
}

/** What a verifier finds of it. */
export async function check(
  engine: Engine,
  { sketches, ...text }: HonestAnswer,
  envelope: Envelope,
): Promise<Findings> {
  const scores = await engine.score(text)
  const opened = sketches.map((sketch, position) => ({ position, sketch }))
  return findingsOf({ scores, from: 0, opened, envelope })
}
