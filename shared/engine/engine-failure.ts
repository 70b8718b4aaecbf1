import { InfernetError } from '../errors/infernet-error.ts'

const OUT_OF_MEMORY =
  /out of memory|bad_alloc|allocation (failed|failure)|failed to allocate|Array buffer allocation|Aborted\(OOM\)/i
/** `MapAsyncStatus` 2 and 4 (webgpu.h): a read was broken off, which only the end of the device does to us. */
const DEVICE_LOST =
  /device (is|was) (lost|destroyed)|device lost|DXGI_ERROR_DEVICE|A valid external Instance reference|MapAsyncStatus value: [24]\b/i
/**
 * ORT 1.30.0 tells of a shader that does not compile when the first result after it is read: "Failed to create a WebGPU
 * compute pipeline: [Invalid ShaderModule "MatMul"] is invalid due to a previous error".
 */
const SHADER_FAILED = /Failed to create a WebGPU compute pipeline(?:.*?ShaderModule "(\w{1,40})")?/s

/**
 * What attention says of a cache of another size: "Input 'past_key' dimension 3 should match ... got 16 expected 32", and
 * what a Concat of past and present says. The sizes were taken from config.json where the graph has names for them.
 */
const WRONG_CACHE =
  /past_(?:key|value)'? (?:dimension|shape)|past_key_values|Non concat axis dimensions must match/i
/** "Non-zero status code returned while running MatMul node." */
const OPERATOR_FAILED = /returned while running (\w{1,40}) node/

/**
 * Names what ORT threw while loading or running; undefined for what has no name. Its errors are plain texts, so the
 * text decides: `models.unsupported`, `engine.shader-failed`, `engine.device-lost`, `engine.out-of-memory` or `engine.crashed` (a trap of
 * the wasm code, after which its heap is not to be trusted). The cause keeps whatever it was.
 */
export function nameOrtFailure(cause: unknown): InfernetError | undefined {
  if (cause instanceof InfernetError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const shader = SHADER_FAILED.exec(text)
  if (shader) return new InfernetError('engine.shader-failed', { operator: shader[1] }, { cause })
  if (DEVICE_LOST.test(text)) return new InfernetError('engine.device-lost', {}, { cause })
  if (OUT_OF_MEMORY.test(text)) return new InfernetError('engine.out-of-memory', {}, { cause })
  if (WRONG_CACHE.test(text))
    return new InfernetError(
      'models.unsupported',
      { reason: 'its KV cache has another size than config.json says (head_dim, num_key_value_heads)' },
      { cause },
    )
  if (cause instanceof WebAssembly.RuntimeError)
    return new InfernetError('engine.crashed', { reason: 'wasm trap' }, { cause })
  return undefined
}

/** The same for the first run of a model, which fails where its graph and its files do not go together. */
export function nameStartFailure(thrown: unknown): unknown {
  const cause = thrown instanceof InfernetError && thrown.code === 'internal' ? thrown.cause : thrown
  const operator = OPERATOR_FAILED.exec(cause instanceof Error ? cause.message : '')?.[1]
  if (operator === undefined) return thrown
  return new InfernetError('engine.load-failed', { reason: `${operator} failed` }, { cause })
}

/** The same for a step of an engine, where the signal's own reason passes as it is and nothing is left without a name. */
export function nameFailure(thrown: unknown, signal: AbortSignal): Error {
  if (signal.aborted && thrown === signal.reason && thrown instanceof Error) return thrown
  return nameOrtFailure(thrown) ?? InfernetError.from(thrown)
}
