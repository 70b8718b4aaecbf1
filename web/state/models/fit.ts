import { limitProblem, type MemoryNeeds } from '#shared/engine/fit.ts'
import { MIB } from '#shared/base/units.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Dtype } from '#shared/models/manifest.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'

/** Where a model runs here: on the GPU, on the processor alone, or nowhere; `problem` says what is too small. */
export interface Fit {
  readonly on: 'gpu' | 'processor' | 'nothing'
  readonly problem: InfernetError | undefined
}

/** As `memoryNeeds` guesses where a manifest has no facts; before the download there is no manifest at all. */
const LARGEST_TENSOR_SHARE = 0.5
const HEADROOM_BYTES = 128 * MIB

/**
 * Whether a model of a hub would run here, from the size of its files alone: a guess, and said to be one. That nothing
 * speaks against it is no promise, as with any model.
 */
export function guessFit({ dtype, bytes }: { dtype: Dtype; bytes: number }, gpu: GpuInspection): Fit {
  const needs: MemoryNeeds = {
    weightBytes: bytes,
    cacheBytes: 0,
    largestBufferBytes: bytes * LARGEST_TENSOR_SHARE,
    totalBytes: bytes + HEADROOM_BYTES,
    halfPrecision: dtype === 'fp16' || dtype === 'q4f16',
  }
  const { largestBufferBytes, halfPrecision, software, label, info } = gpu
  const hasGpu = !software && (label !== undefined || info !== undefined || largestBufferBytes > 0)
  const bounds = {
    limits: { maxBufferSize: largestBufferBytes, maxStorageBufferBindingSize: largestBufferBytes },
    features: { has: (feature: string) => feature === 'shader-f16' && halfPrecision },
  }
  const onGpu = hasGpu ? limitProblem(needs, bounds) : gpu.problem
  if (hasGpu && !onGpu) return { on: 'gpu', problem: undefined }
  const onProcessor = limitProblem(needs, undefined)
  return onProcessor ? { on: 'nothing', problem: onProcessor } : { on: 'processor', problem: onGpu }
}
