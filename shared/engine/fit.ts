import { MIB } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Manifest } from '../models/manifest.ts'
import { isWeightsFile } from '../models/weight-files.ts'
import { textLimit, USUAL_CACHE_BYTES } from '../models/text-limit.ts'

/** What a model takes where it runs, in bytes. */
export interface MemoryNeeds {
  readonly weightBytes: number
  /** The KV cache, of one text as long as it may be. More texts at once are admitted by what is left. */
  readonly cacheBytes: number
  /** The largest piece that has to lie in one buffer. */
  readonly largestBufferBytes: number
  readonly totalBytes: number
  /** Weights and activations in 16-bit floats. */
  readonly halfPrecision: boolean
}

/**
 * Room for what a step computes in between, for the logits of a prefill segment and for the copy of a tensor on its way
 * to the GPU. 128 rows of 152,000 logits are 78 MB.
 */
const HEADROOM_BYTES = 128 * MIB

/**
 * Where a manifest has no facts about its tensors. The largest one of a language model is its embedding, and even in
 * the smallest models it is about half of the weights.
 */
const LARGEST_TENSOR_SHARE = 0.5

/** wasm32 addresses 4 GiB, of which ORT and its own copies need some. */
export const WASM_BYTES = 3.5 * 1024 * MIB

/** @param cacheBudget what the KV cache may take. @default as much as an engine takes that was told nothing */
export function memoryNeeds(manifest: Manifest, cacheBudget = USUAL_CACHE_BYTES): MemoryNeeds {
  const { weights, files, memory, dtype } = manifest
  const isWeights = ({ path }: { path: string }): boolean => isWeightsFile(path, weights)
  const weightBytes = files.filter(isWeights).reduce((sum, { size }) => sum + size, 0)
  const cacheBytes = (memory?.cacheBytesPerToken ?? 0) * textLimit(manifest, cacheBudget)
  return {
    weightBytes,
    cacheBytes,
    largestBufferBytes: memory?.largestTensorBytes ?? weightBytes * LARGEST_TENSOR_SHARE,
    totalBytes: weightBytes + cacheBytes + HEADROOM_BYTES,
    halfPrecision: isHalf(dtype),
  }
}

/** The same for what is known of a model before its manifest is. */
export function roughNeeds({
  bytes,
  memoryBytes,
  dtype,
}: {
  readonly bytes: number
  readonly memoryBytes: number
  readonly dtype: Manifest['dtype']
}): MemoryNeeds {
  return {
    weightBytes: bytes,
    cacheBytes: Math.max(0, memoryBytes - bytes - HEADROOM_BYTES),
    largestBufferBytes: bytes * LARGEST_TENSOR_SHARE,
    totalBytes: memoryBytes,
    halfPrecision: isHalf(dtype),
  }
}

function isHalf(dtype: Manifest['dtype']): boolean {
  return dtype === 'fp16' || dtype === 'q4f16'
}

/** What an adapter allows, as WebGPU's limits and features say. */
export interface AdapterBounds {
  readonly limits: Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>
  readonly features: Pick<GPUSupportedFeatures, 'has'>
}

/** The largest buffer that a shader can read, in bytes. */
export function largestBuffer({ limits }: Pick<AdapterBounds, 'limits'>): number {
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)
}

/**
 * What of a model an adapter, or wasm (undefined), cannot hold by its own word: `engine.limits`, or undefined. That
 * nothing speaks against it is no promise: browsers do not tell how much memory there is, which is `probeMemory`'s
 * question.
 */
export function limitProblem(
  needs: MemoryNeeds,
  adapter: AdapterBounds | undefined,
): InfernetError | undefined {
  const refuse = (limitBytes: number, has: string, neededBytes: number, device?: string): InfernetError =>
    new InfernetError('engine.limits', {
      limit: inMb(limitBytes),
      has,
      needs: inMb(neededBytes),
      ...(device ? { device } : {}),
    })
  if (!adapter)
    return needs.totalBytes > WASM_BYTES
      ? refuse(WASM_BYTES, 'memory', needs.totalBytes, 'processor')
      : undefined
  if (needs.halfPrecision && !adapter.features.has('shader-f16'))
    return new InfernetError('engine.limits', { limit: 'none', has: 'half precision', needs: 'it' })
  const largest = largestBuffer(adapter)
  return needs.largestBufferBytes > largest
    ? refuse(largest, 'memory in one piece', needs.largestBufferBytes)
    : undefined
}

function inMb(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MB`
}
