import type { OrtRuntime } from '#shared/engine/ort-runtime.ts'
import { requestGpu } from '#shared/engine/request-gpu.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { readWasm, type NodeRuntime } from './wasm-runtime.ts'

/** The npm package `webgpu`: Dawn, Chromium's WebGPU, for Node. 132 MB, so it is not a dependency. */
interface DawnPackage {
  create(flags: readonly string[]): GPU
  readonly globals: Readonly<Record<string, unknown>>
}

/** ORT's module for Node hides WebGPU, so the browser's bundle is imported by its file. */
interface WebRuntime extends OrtRuntime {
  readonly env: { readonly wasm: { numThreads?: number; wasmBinary?: ArrayBufferLike | Uint8Array } }
}

/** Dawn drops its devices when this is collected. */
let keptAlive: GPU | undefined

/**
 * onnxruntime-web on a GPU in Node, with exactly the tab's kernels.
 *
 * Its threads do not end by themselves: a process that used it ends with `process.exit`, a worker with `terminate`.
 *
 * @throws InfernetError `engine.no-webgpu` when the package is not installed or does not load, `engine.no-adapter` when it finds no GPU
 */
export async function loadDawnRuntime(): Promise<NodeRuntime> {
  const dawn = await importDawn()
  Object.assign(globalThis, dawn.globals)
  keptAlive ??= dawn.create([])
  const navigatorLike = { gpu: keptAlive, userAgent: 'node', hardwareConcurrency: 1 }
  Object.defineProperty(globalThis, 'navigator', { value: navigatorLike, configurable: true })
  const gpu = await requestGpu(keptAlive)
  const bundle = new URL('ort.webgpu.bundle.min.mjs', import.meta.resolve('onnxruntime-web/webgpu'))
  const ort = (await import(bundle.href)) as WebRuntime
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmBinary = await readWasm('ort-wasm-simd-threaded.asyncify.wasm')
  return { ort, gpu }
}

async function importDawn(): Promise<DawnPackage> {
  const name = 'webgpu'
  try {
    return (await import(name)) as DawnPackage
  } catch (cause) {
    const isMissing = (cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND'
    const reason = `the npm package webgpu ${isMissing ? 'is not installed' : 'cannot be loaded'}`
    throw new InfernetError('engine.no-webgpu', { reason }, { cause })
  }
}
