import { InfernetError } from '../../errors/infernet-error.ts'
import type { Backend } from '../engine.ts'
import type { SelfTest } from '../self-test.ts'
import { STEP_TOKENS, type Encoder } from './encoder.ts'
import { vectorFromHex, type GoldenVectors } from './golden-vectors.ts'

/**
 * How far a number of a right vector may be from the original's. The largest difference that was seen is 9.5e-7 on wasm,
 * and 8.3e-7 on two GPUs that are imitated in software (SwiftShader, lavapipe). Real ones may take `tanh` and `exp` less
 * exactly, so theirs is wider; what is wrong is off by orders more.
 *
 * @internal
 */
export const VECTOR_BOUNDS: Readonly<Record<Backend, number>> = { wasm: 1e-5, webgpu: 1e-4 }

export interface TestEncoderInit {
  readonly backend: Backend
  readonly vocabSize: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly signal?: AbortSignal | undefined
}

/**
 * Computes the golden texts, each alone and all in one step, and measures the speed. No offer is made before this passes.
 *
 * @param golden undefined for a model that has none: then only the speed is measured
 * @throws InfernetError `engine.self-test-failed` with the counts
 */
export async function testEncoder(
  encoder: Encoder,
  golden: GoldenVectors | undefined,
  { backend, vocabSize, now, signal }: TestEncoderInit,
): Promise<SelfTest> {
  const cases = golden?.cases ?? []
  const texts = cases.map(({ tokens }) => tokens)
  const alone: Float32Array[] = []
  for (const text of texts) {
    alone.push(await encoder.run([text]))
    signal?.throwIfAborted()
  }
  const together = texts.length > 0 ? await encoder.run(texts) : new Float32Array()
  const right = cases.filter(({ vector }, i) => {
    const wanted = vectorFromHex(vector)
    const { dimensions } = encoder
    const inBatch = together.subarray(i * dimensions, (i + 1) * dimensions)
    return [alone[i], inBatch].every((got) => got && distance(got, wanted) <= VECTOR_BOUNDS[backend])
  }).length
  const total = cases.length
  if (right < total) throw new InfernetError('engine.self-test-failed', { wrong: total - right, total })
  const tokensPerSecond = await measure(encoder, vocabSize, now)
  // It writes nothing: what there is to know of its speed is how fast it reads.
  return { right, total, prefillTokensPerSecond: tokensPerSecond, decodeTokensPerSecond: tokensPerSecond }
}

/** The largest difference between two numbers at the same place; without end for vectors of two sizes. @internal */
export function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0)
}

/** As long as the sentences that such models are made for. */
const SPEED_TEXT_TOKENS = 32
const SPEED_TEXTS = STEP_TOKENS / 4 / SPEED_TEXT_TOKENS

/** Tokens a second of a step of usual size; the first run compiles shaders. */
async function measure(encoder: Encoder, vocabSize: number, now: () => number): Promise<number> {
  const text = Array.from({ length: SPEED_TEXT_TOKENS }, (_, i) => i % vocabSize)
  const texts = Array.from({ length: SPEED_TEXTS }, () => text)
  await encoder.run(texts)
  const begun = now()
  await encoder.run(texts)
  const ms = now() - begun
  return ms > 0 ? Math.round((10_000 * SPEED_TEXTS * SPEED_TEXT_TOKENS) / ms) / 10 : 0
}
