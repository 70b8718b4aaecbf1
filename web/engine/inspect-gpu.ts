import { largestBuffer, limitProblem, memoryNeeds, type MemoryNeeds } from '#shared/engine/fit.ts'
import { adapterLabel, requestAdapter } from '#shared/engine/request-gpu.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Manifest } from '#shared/models/manifest.ts'

/** What a page can say of its GPU before anything is downloaded. */
export interface GpuInspection {
  /** What the browser says of it, e.g. `nvidia ampere`; undefined when there is no adapter. */
  readonly label: string | undefined
  /** True when it is the processor in disguise: right, but slower than wasm. */
  readonly software: boolean
  /** Bytes of the largest buffer that a shader can read. */
  readonly largestBufferBytes: number
  /** Half-precision arithmetic. */
  readonly halfPrecision: boolean
  /** The `subgroups` feature, which is not to be trusted blindly (`GpuInit`). */
  readonly subgroups: boolean
  /** All that the browser says of which adapter it is; undefined when there is none. */
  readonly info: GPUAdapterInfo | undefined
  /** Why this model cannot run here on the GPU; undefined when nothing speaks against it. */
  readonly problem: InfernetError | undefined
}

/**
 * Looks at the GPU and whether a model fits. Never throws and opens no device.
 *
 * The problem is `mesh.insecure-page`, `engine.no-webgpu`, `engine.no-adapter`, `engine.software-adapter` or
 * `engine.limits`. That nothing speaks against it is no promise: browsers do not tell how much memory there is, so
 * the engine's worker takes it and gives it back before it downloads (`probeMemory`).
 *
 * @example
 * const { label, problem } = await inspectGpu(manifest)
 */
export async function inspectGpu(manifest?: Manifest): Promise<GpuInspection> {
  const nothing = {
    label: undefined,
    info: undefined,
    software: false,
    largestBufferBytes: 0,
    halfPrecision: false,
    subgroups: false,
  }
  if (!isSecureContext) return { ...nothing, problem: new InfernetError('mesh.insecure-page') }
  if (!('gpu' in navigator)) return { ...nothing, problem: new InfernetError('engine.no-webgpu') }
  try {
    const adapter = await requestAdapter(navigator.gpu)
    const { info, features } = adapter
    const software = info.isFallbackAdapter
    return {
      label: adapterLabel(info),
      info,
      software,
      largestBufferBytes: largestBuffer(adapter),
      halfPrecision: features.has('shader-f16'),
      subgroups: features.has('subgroups'),
      problem:
        (manifest && limitProblem(memoryNeeds(manifest), adapter)) ??
        (software
          ? new InfernetError('engine.software-adapter', { adapter: adapterLabel(info) })
          : undefined),
    }
  } catch (error) {
    return { ...nothing, problem: InfernetError.from(error, 'engine.no-adapter') }
  }
}

/** Whether nothing that the browser says speaks against running it here, on the GPU or on the processor. */
export function fitsDevice(
  { problem, largestBufferBytes, halfPrecision }: GpuInspection,
  needs: MemoryNeeds,
): boolean {
  const bounds = {
    limits: { maxBufferSize: largestBufferBytes, maxStorageBufferBindingSize: largestBufferBytes },
    features: { has: (name: string) => name === 'shader-f16' && halfPrecision },
  }
  const fitsGpu = !problem && limitProblem(needs, bounds) === undefined
  return fitsGpu || limitProblem(needs, undefined) === undefined
}
