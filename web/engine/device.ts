import * as ort from 'onnxruntime-web/webgpu'
import type { Backend } from '#shared/engine/engine.ts'
import type { Gpu, OrtRuntime } from '#shared/engine/ort-runtime.ts'
import { requestGpu, type GpuInit } from '#shared/engine/request-gpu.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

/** More threads than this bring nothing to matrix times vector, and the machine is somebody's desk. */
const MAX_THREADS = 4

/**
 * onnxruntime-web in this worker, with a device of our own for WebGPU.
 *
 * One bundle serves both backends. Its wasm file is emitted by Vite beside our own chunks, so nothing comes from a CDN.
 *
 * @throws InfernetError `engine.no-webgpu`, `engine.no-adapter`
 */
export async function openRuntime(
  backend: Backend,
  init: GpuInit = {},
): Promise<{ readonly ort: OrtRuntime; readonly gpu: Gpu | undefined }> {
  if (backend === 'wasm') {
    // Threads share memory, which a page may only do when it is isolated (COOP and COEP).
    const half = Math.floor(navigator.hardwareConcurrency / 2)
    ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(MAX_THREADS, Math.max(1, half)) : 1
    return { ort, gpu: undefined }
  }
  // On WebGPU the processor only hands over work.
  ort.env.wasm.numThreads = 1
  if (!('gpu' in navigator)) throw new InfernetError('engine.no-webgpu')
  return { ort, gpu: await requestGpu(navigator.gpu, init) }
}
