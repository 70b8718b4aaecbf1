import { InfernetError } from '../errors/infernet-error.ts'
import { compileWithExplicitZeros } from './explicit-zeros.ts'
import type { Gpu } from './ort-runtime.ts'

/**
 * The limits that a model's size and ORT's kernels run into. A device gets the specification's small defaults unless
 * it asks, so what the adapter has is asked for.
 *
 * @internal
 */
export const WANTED_LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxStorageBuffersPerShaderStage',
] as const

/** `subgroup-size-control`, which ORT asks for in a device of its own, is not among them: it brings `subgroups` along. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'timestamp-query']

export interface GpuInit {
  /**
   * Take the `subgroups` feature where the adapter has it. With it ORT 1.30.0 uses other shaders: quantized matrices of
   * many rows were five times as fast on lavapipe (8 lanes), and prefill attention is wrong on adapters with fewer than
   * 8 lanes. To be turned on only after a trial (`subgroup-trial.ts`).
   *
   * @default false
   */
  readonly subgroups?: boolean | undefined
}

/** @throws InfernetError `engine.no-adapter` */
export async function requestAdapter(gpu: GPU): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) throw new InfernetError('engine.no-adapter')
  return adapter
}

/**
 * A device of our own for one engine, with all the adapter can give but, unless it is asked for, `subgroups`.
 *
 * ORT would otherwise make its own, and the first device wins for the whole realm.
 *
 * @throws InfernetError `engine.no-adapter`
 */
export async function requestGpu(gpu: GPU, { subgroups = false }: GpuInit = {}): Promise<Gpu> {
  const adapter = await requestAdapter(gpu)
  const { limits, features } = adapter
  const wanted: readonly GPUFeatureName[] = subgroups ? [...WANTED_FEATURES, 'subgroups'] : WANTED_FEATURES
  try {
    const device = await adapter.requestDevice({
      requiredFeatures: wanted.filter((feature) => features.has(feature)),
      requiredLimits: Object.fromEntries(WANTED_LIMITS.map((name) => [name, limits[name]])),
    })
    compileWithExplicitZeros(device)
    return { device, label: adapterLabel(adapter.info) }
  } catch (cause) {
    throw new InfernetError('engine.no-adapter', {}, { cause })
  }
}

/** What a browser says of its adapter, e.g. `nvidia ampere`. A label for people, never a proof. */
export function adapterLabel(info: GPUAdapterInfo): string {
  const words = [info.vendor, info.architecture || info.device].filter((word) => word !== '')
  return words.join(' ').slice(0, 60) || 'unnamed gpu'
}
