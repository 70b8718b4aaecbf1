import { InfernetError } from '../../errors/infernet-error.ts'
import { proveBatch } from '../batch/prove-batch.ts'
import type { Engine } from '../engine.ts'
import type { Golden } from '../golden.ts'
import { runSelfTest } from '../self-test.ts'

/**
 * The self-test of an engine that serves: the golden prompts one by one, and as many at once as it answers.
 *
 * @param golden undefined for a model that has none: then nothing is shown by it
 * @param now monotonic milliseconds
 * @throws InfernetError `engine.self-test-failed`, what the engine throws, or the signal's reason
 */
export async function testServing(
  engine: Pick<Engine, 'generate' | 'info'>,
  golden: Golden | undefined,
  now: () => number,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await runSelfTest(engine, golden, now, { signal })
  const { streams } = engine.info
  if (streams > 1 && !(await proveBatch(engine, golden, streams, { signal })))
    throw new InfernetError('engine.self-test-failed', { atOnce: streams })
}
