import { InfernetError } from '../errors/infernet-error.ts'

const OUT_OF_MEMORY =
  /out of memory|bad_alloc|allocation (failed|failure)|failed to allocate|Array buffer allocation/i
const DEVICE_LOST =
  /device (is|was) (lost|destroyed)|device lost|DXGI_ERROR_DEVICE|A valid external Instance reference/i

/**
 * Names what ORT threw while running. Its errors are plain texts, so the text decides; whatever it is, the cause keeps it.
 *
 * The signal's own reason and named errors pass as they are.
 */
export function nameFailure(thrown: unknown, signal: AbortSignal): Error {
  if (signal.aborted && thrown === signal.reason && thrown instanceof Error) return thrown
  if (thrown instanceof InfernetError) return thrown
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  if (DEVICE_LOST.test(text)) return new InfernetError('engine.device-lost', {}, { cause: thrown })
  if (OUT_OF_MEMORY.test(text)) return new InfernetError('engine.out-of-memory', {}, { cause: thrown })
  return InfernetError.from(thrown)
}
