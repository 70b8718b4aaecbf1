import { readFile } from 'node:fs/promises'
import type { Gpu, OrtRuntime } from '#shared/engine/ort-runtime.ts'

export interface NodeRuntime {
  readonly ort: OrtRuntime
  readonly gpu: Gpu | undefined
}

/**
 * onnxruntime-web on wasm in Node, one thread.
 *
 * The wasm build is the smallest one and runs in a worker thread as it is. `onnxruntime-node` is not used: its install
 * step downloads from a host that a closed network refuses.
 */
export async function loadWasmRuntime(): Promise<NodeRuntime> {
  const ort = await import('onnxruntime-web/wasm')
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmBinary = await readWasm('ort-wasm-simd-threaded.wasm')
  return { ort, gpu: undefined }
}

/** The bytes of one of the package's wasm files; left alone, it would fetch them by a URL that Node cannot fetch. */
export async function readWasm(name: string): Promise<ArrayBuffer> {
  const bytes = await readFile(new URL(import.meta.resolve(`onnxruntime-web/${name}`)))
  return Uint8Array.from(bytes).buffer
}
