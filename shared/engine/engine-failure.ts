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
 * Names what ORT threw while loading or running; undefined for what has no name. Its errors are plain texts, so the
 * text decides: `engine.shader-failed`, `engine.device-lost`, `engine.out-of-memory` or `engine.crashed` (a trap of
 * the wasm code, after which its heap is not to be trusted). The cause keeps whatever it was.
 */
export function nameOrtFailure(cause: unknown): InfernetError | undefined {
  if (cause instanceof InfernetError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const shader = SHADER_FAILED.exec(text)
  if (shader) return new InfernetError('engine.shader-failed', { operator: shader[1] }, { cause })
  if (DEVICE_LOST.test(text)) return new InfernetError('engine.device-lost', {}, { cause })
  if (OUT_OF_MEMORY.test(text)) return new InfernetError('engine.out-of-memory', {}, { cause })
  if (cause instanceof WebAssembly.RuntimeError)
    return new InfernetError('engine.crashed', { reason: 'wasm trap' }, { cause })
  return undefined
}

/** The same for a step of an engine, where the signal's own reason passes as it is and nothing is left without a name. */
export function nameFailure(thrown: unknown, signal: AbortSignal): Error {
  if (signal.aborted && thrown === signal.reason && thrown instanceof Error) return thrown
  return nameOrtFailure(thrown) ?? InfernetError.from(thrown)
}
