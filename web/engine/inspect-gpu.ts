import { adapterLabel, requestAdapter } from '#shared/engine/request-gpu.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { MIB } from '#shared/base/units.ts'

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
 * `engine.limits`. That nothing speaks against it is no promise: browsers do not tell how much memory there is.
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
    const { info, limits, features } = adapter
    const largestBufferBytes = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)
    const software = info.isFallbackAdapter
    return {
      label: adapterLabel(info),
      info,
      software,
      largestBufferBytes,
      halfPrecision: features.has('shader-f16'),
      subgroups: features.has('subgroups'),
      problem:
        (manifest && fitProblem(manifest, largestBufferBytes, features)) ??
        (software
          ? new InfernetError('engine.software-adapter', { adapter: adapterLabel(info) })
          : undefined),
    }
  } catch (error) {
    return { ...nothing, problem: InfernetError.from(error, 'engine.no-adapter') }
  }
}

/**
 * The largest tensor of a language model is its embedding, and even in the smallest ones it is about half of the
 * weights; what is larger than that cannot be needed in one buffer.
 */
const LARGEST_TENSOR_SHARE = 0.5

function fitProblem(
  manifest: Manifest,
  largestBufferBytes: number,
  features: GPUSupportedFeatures,
): InfernetError | undefined {
  const { dtype, weights, files } = manifest
  if ((dtype === 'fp16' || dtype === 'q4f16') && !features.has('shader-f16'))
    return new InfernetError('engine.limits', { limit: 'none', has: 'half precision', needs: 'it' })
  const weightBytes = files
    .filter(({ path }) => path.startsWith(weights))
    .reduce((sum, { size }) => sum + size, 0)
  const needed = weightBytes * LARGEST_TENSOR_SHARE
  if (needed <= largestBufferBytes) return undefined
  const inMb = (bytes: number): string => `${Math.ceil(bytes / MIB)} MB`
  const facts = { limit: inMb(largestBufferBytes), has: 'buffer size', needs: inMb(needed) }
  return new InfernetError('engine.limits', facts)
}
