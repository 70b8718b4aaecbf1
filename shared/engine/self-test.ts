import { InfernetError } from '../errors/infernet-error.ts'
import type { Engine, GenerateRequest } from './engine.ts'
import type { Golden } from './golden.ts'

/** What an engine showed before it may provide. */
export interface SelfTest {
  /** Golden tokens it got right. */
  readonly right: number
  /** Golden tokens there are; 0 says that the model came without any and the engine is not tested. */
  readonly total: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** What it was tested by, for who describes the machine by the same prompts. @default none */
  readonly golden?: Golden | undefined
}

/**
 * Runs the golden prompts and measures the speed.
 *
 * A GPU can be wrong in silence: a shader compiler that forgot to set a variable to zero gave other tokens on both
 * software adapters (`explicit-zeros.ts`). No offer is made before this passes.
 * Each speed is that of a second run, because the first one compiles shaders.
 *
 * @param golden undefined for a model that has none: then only the speed is measured
 * @param now monotonic milliseconds
 * @throws InfernetError `engine.self-test-failed` with the counts
 */
export async function runSelfTest(
  engine: Pick<Engine, 'generate' | 'info'>,
  golden: Golden | undefined,
  now: () => number,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<SelfTest> {
  let right = 0
  let total = 0
  for (const { prompt, tokens } of golden?.cases ?? []) {
    const got = await runOnce(engine, prompt, tokens.length, now, signal)
    total += tokens.length
    right += tokens.filter((token, i) => token === got.tokens[i]).length
  }
  if (right < total) throw new InfernetError('engine.self-test-failed', { wrong: total - right, total })
  const prompt = longest(golden) ?? Array.from({ length: 32 }, (_, i) => i % engine.info.vocabSize)
  if (!golden) await runOnce(engine, prompt, 2, now, signal)
  const speed = await runOnce(engine, prompt, SPEED_TOKENS, now, signal)
  return {
    right,
    total,
    prefillTokensPerSecond: perSecond(prompt.length, speed.prefillMs),
    // An answer that ends with its first token leaves nothing to measure; its one step is then the best figure.
    decodeTokensPerSecond: perSecond(Math.max(1, speed.tokens.length - 1), speed.decodeMs || speed.prefillMs),
  }
}

/** Enough to even out one slow step, few enough for a software GPU at half a second a token. */
const SPEED_TOKENS = 5

function longest(golden: Golden | undefined): readonly number[] | undefined {
  return golden?.cases.map(({ prompt }) => prompt).sort((a, b) => b.length - a.length)[0]
}

interface Run {
  readonly tokens: readonly number[]
  /** Until the first token. */
  readonly prefillMs: number
  /** From the first token to the last. */
  readonly decodeMs: number
}

async function runOnce(
  engine: Pick<Engine, 'generate'>,
  promptTokens: readonly number[],
  maxTokens: number,
  now: () => number,
  signal: AbortSignal | undefined,
): Promise<Run> {
  const request: GenerateRequest = {
    promptTokens,
    priorTokens: [],
    sampler: { temperature: 0, topP: 1 },
    seed: new Uint8Array(0),
    maxTokens,
  }
  const tokens: number[] = []
  const begun = now()
  let first = begun
  for await (const batch of engine.generate(request, { signal })) {
    // The engine gives the first token alone, as soon as the prompt is read.
    if (tokens.length === 0) first = now()
    tokens.push(...batch.tokens)
  }
  return { tokens, prefillMs: first - begun, decodeMs: now() - first }
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((10_000 * count) / ms) / 10 : 0
}
