import type { TokenId } from '../../base/ids.ts'
import type { Engine, GenerateRequest, ScoreRequest, TokenBatch, TokenScore } from '../../engine/engine.ts'

/** What a cheat has at hand: the model that it was paid for, and others that cost it less. */
export interface CheatParts {
  readonly honest: Engine
  /** The same tokens, fewer layers. */
  readonly smaller: Engine
  /** The same model with 4-bit weights. */
  readonly quantised: Engine
  /** A question that it has an answer to, in tokens. */
  readonly cannedPrompt: readonly number[]
  /** A token that no page shows. */
  readonly filler: TokenId
  /** The same prompt as an older template wrote it. */
  readonly oldTemplate: (promptTokens: readonly number[]) => readonly number[]
  /** Whether it takes this prompt for one of an auditor's corpus. */
  readonly isProbe: (promptTokens: readonly number[]) => boolean
  /** What another verifier showed for its verdict on this very answer. */
  readonly published: (request: ScoreRequest) => readonly TokenScore[] | undefined
}

/** What passes for the honest engine: its answers, of a provider, or its findings, of a verifier. */
export type CheatingEngine = (parts: CheatParts) => Engine

export type Batches = AsyncGenerator<TokenBatch, void, void>
interface Options {
  readonly signal?: AbortSignal | undefined
}

/**
 * An engine that says of itself all that the honest one says, and answers otherwise.
 *
 * @param answer writes in the place of `generate`
 */
export function sellingAs(
  honest: Engine,
  answer: (request: GenerateRequest, options: Options) => Batches,
): Engine {
  return {
    info: honest.info,
    lost: honest.lost,
    generate: (request, options = {}) => answer(request, options),
    score: (request, options) => honest.score(request, options),
    embed: (request, options) => honest.embed(request, options),
    close: () => honest.close(),
  }
}

/** The rest of a stream of batches as one answer. */
export async function wholeAnswer(batches: Batches): Promise<TokenBatch> {
  const tokens: TokenId[] = []
  const sketches: number[] = []
  let finish: TokenBatch['finish']
  for await (const batch of batches) {
    tokens.push(...batch.tokens)
    if (batch.sketches) for (const half of batch.sketches) sketches.push(half)
    finish = batch.finish ?? finish
  }
  return { tokens, sketches: sketches.length > 0 ? Uint16Array.from(sketches) : undefined, finish }
}
