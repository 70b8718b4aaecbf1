import { readFile } from 'node:fs/promises'
import type { Gpu, OrtRuntime } from '../engine/ort-runtime.ts'
import { requestGpu } from '../engine/request-gpu.ts'

export interface DawnRuntime {
  readonly ort: OrtRuntime
  readonly gpu: Gpu
}

/**
 * onnxruntime-web on WebGPU in this process, or why there is none. The npm package `webgpu` (Chromium's WebGPU for Node,
 * 132 MB) is no dependency: install it, or name its entry file in DAWN_MODULE; Mesa's lavapipe is a software adapter.
 */
export async function loadDawn(): Promise<DawnRuntime | string> {
  const name = process.env['DAWN_MODULE'] ?? 'webgpu'
  try {
    const dawn = (await import(/* @vite-ignore */ name)) as DawnModule
    Object.assign(globalThis, dawn.globals)
    keptAlive ??= dawn.create([])
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: keptAlive }, configurable: true })
    const gpu = await requestGpu(keptAlive)
    const dist = new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url)
    const bundle = new URL('ort.webgpu.bundle.min.mjs', dist)
    const ort = (await import(/* @vite-ignore */ bundle.href)) as WebRuntime
    ort.env.wasm.numThreads = 1
    ort.env.wasm.wasmBinary = await readFile(new URL('ort-wasm-simd-threaded.asyncify.wasm', dist))
    return { ort, gpu }
  } catch (error) {
    return `no WebGPU in this process: ${String(error).split('\n')[0] ?? ''}`
  }
}

interface DawnModule {
  create(flags: readonly string[]): GPU
  readonly globals: Readonly<Record<string, unknown>>
}

interface WebRuntime extends OrtRuntime {
  readonly env: { readonly wasm: { numThreads?: number; wasmBinary?: ArrayBufferLike | Uint8Array } }
}

/** Dawn drops its devices when this is collected. */
let keptAlive: GPU | undefined

/** Bytes of the buffers that were created on a device from now on and not destroyed. */
export function countBytes(device: GPUDevice): () => number {
  let live = 0
  const create = device.createBuffer.bind(device)
  const counted = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    const buffer = create(descriptor)
    const destroy = buffer.destroy.bind(buffer)
    let destroyed = false
    live += descriptor.size
    const destroyOnce = (): undefined => {
      if (!destroyed) live -= descriptor.size
      destroyed = true
      destroy()
    }
    Object.defineProperty(buffer, 'destroy', { value: destroyOnce, configurable: true })
    return buffer
  }
  Object.defineProperty(device, 'createBuffer', { value: counted, configurable: true })
  return () => live
}
