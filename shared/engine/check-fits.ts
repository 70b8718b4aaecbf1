import { hasCode } from '../errors/infernet-error.ts'
import type { Manifest } from '../models/manifest.ts'
import { USUAL_CACHE_BYTES } from '../models/text-limit.ts'
import { limitProblem, memoryNeeds, WASM_BYTES, type MemoryNeeds } from './fit.ts'
import { probeMemory } from './probe-memory.ts'

/** What a KV cache may take where there is more memory than a model needs at least, most first. */
const ROOMY_CACHE_BYTES = [4 * USUAL_CACHE_BYTES, 2 * USUAL_CACHE_BYTES]

/**
 * Whether a model fits, before anything of it is downloaded: by what the device allows, and by taking the memory and
 * giving it back. Longer texts than usual are for devices that have the memory for them.
 *
 * @param device undefined for wasm
 * @returns what the KV cache may take here, in bytes: `EngineInit.cacheBytes`, from which `textLimit` follows
 * @throws InfernetError `engine.limits`, `engine.out-of-memory` or `engine.device-lost`
 */
export async function checkFits(manifest: Manifest, device: GPUDevice | undefined): Promise<number> {
  const least = memoryNeeds(manifest)
  const problem = limitProblem(least, device)
  if (problem) throw problem
  for (const cacheBytes of ROOMY_CACHE_BYTES) {
    const needs = memoryNeeds(manifest, cacheBytes)
    if (needs.cacheBytes > least.cacheBytes && (await hasRoomFor(needs, device))) return cacheBytes
  }
  if (device) await probeMemory(device, least)
  return USUAL_CACHE_BYTES
}

/** A step of wasm has the cache before and after it, and one that grows on the GPU is copied: each holds it twice. */
async function hasRoomFor(needs: MemoryNeeds, device: GPUDevice | undefined): Promise<boolean> {
  const totalBytes = needs.totalBytes + needs.cacheBytes
  if (!device) return totalBytes <= WASM_BYTES
  try {
    await probeMemory(device, { ...needs, totalBytes })
    return true
  } catch (error) {
    if (hasCode(error, 'engine.out-of-memory')) return false
    throw error
  }
}
