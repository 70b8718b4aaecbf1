import type { Engine } from '../engine.ts'
import type { Golden } from '../golden.ts'

/**
 * Whether the golden prompts give their golden tokens when `atOnce` of them are written at once, in one batch of
 * different lengths.
 *
 * Rows of a batch go through other kernels than a row alone, and a driver that is right with one may be wrong with
 * many. An engine that fails here serves one request at a time.
 */
export async function proveBatch(
  engine: Pick<Engine, 'generate'>,
  golden: Golden | undefined,
  atOnce: number,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const cases = golden?.cases ?? []
  for (let from = 0; from < cases.length; from += atOnce) {
    const proofs = cases.slice(from, from + atOnce).map((each) => isRight(engine, each, signal))
    if (!(await Promise.all(proofs)).every(Boolean)) return false
  }
  return true
}

async function isRight(
  engine: Pick<Engine, 'generate'>,
  { prompt, tokens }: Golden['cases'][number],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const request = {
    promptTokens: prompt,
    priorTokens: [],
    sampler: { temperature: 0, topP: 1 },
    seed: new Uint8Array(0),
    maxTokens: tokens.length,
  }
  const got: number[] = []
  for await (const batch of engine.generate(request, { signal })) got.push(...batch.tokens)
  return tokens.every((token, i) => token === got[i])
}
