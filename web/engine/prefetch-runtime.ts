import runtimeUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'

/**
 * Brings the engine's runtime, 26 MB, into the browser's cache: for who downloads a model and will start it, so that both
 * come at once. Where a browser caches nothing so large, the engine fetches it again. Never throws.
 */
export async function prefetchRuntime({ signal }: { readonly signal: AbortSignal }): Promise<void> {
  try {
    const { body } = await fetch(runtimeUrl, { signal, priority: 'low' })
    const reader = body?.getReader()
    // It is not kept here: a cache has it once all of it was read.
    while (reader && !(await reader.read()).done);
  } catch {
    // Without it the engine takes longer to start, and says what is wrong if it must.
  }
}
